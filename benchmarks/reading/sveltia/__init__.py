"""How Sveltia CMS asks for a site, modelled from a description of it; none of its code is here."""
