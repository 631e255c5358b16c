const parts = [location.hash.slice(1), location.search.slice(1)].filter(Boolean);
history.replaceState(null, "", location.pathname);
deliver({ fragment: parts.join("&") });
