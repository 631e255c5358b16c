"""Reading the configuration of a site, and opening a repository by each of its forms."""

from __future__ import annotations

import logging
import subprocess

import pytest
from copydesk import SiteConfig, load_config, open_repository
from copydesk.config import parse_config, read_config
from copydesk.content import Collection, CollectionFile
from copydesk.errors import BackendNotFoundError, ConfigError

REALISTIC = """\
# Everything below `fields` is the CMS's own and must not disturb.
backend:
  name: gitlab
  repo: group/sub/site
  branch: main
  auth_type: pkce
  app_id: 4f9a
  cms_label_prefix: desk/
  commit_messages:
    create: 'Add {{collection}} “{{slug}}”'
publish_mode: editorial_workflow
media_folder: /static/img/
public_folder: /img
site_url: https://www.example.org
slug: {encoding: ascii, clean_accents: true}
collections:
  - &post
    name: posts
    label: Posts
    label_singular: Post
    folder: /content/posts/
    create: true
    path: '{{year}}/{{slug}}/index'
    slug: '{{year}}-{{month}}-{{day}}-{{slug}}'
    fields:
      - {label: Title, name: title, widget: string}
      - {label: Date, name: date, widget: datetime, default: 2021-03-04}
  - {<<: *post, name: notes, path: /, folder: content/notes, extension: .mdx}
  - {name: data, folder: data, format: yaml, fields: []}
  - {name: recipes, label: Recipes, folder: data/recipes, format: json, extension: txt}
  - {name: letters, folder: letters, format: toml-frontmatter}
  - {name: top, folder: ''}
  - name: pages
    label: Pages
    folder: content/pages
    nested: {depth: 3, summary: '{{title}}'}
    meta: {path: {widget: string, label: Path, index_file: index}}
  - {name: docs, folder: docs, nested: {summary: x}}
  - name: settings
    label: Settings
    files:
      - {name: general, label: General, file: /data/general.yml, fields: []}
      - {name: nav, file: data/nav.json}
"""


def site(text: str) -> SiteConfig:
    """Read a configuration with a backend and what else is said."""
    return parse_config(f"backend: {{name: github}}\n{text}".encode(), "config.yml")


@pytest.fixture
def bare_git(tmp_path):
    """Give a bare repository without commits, whose branch is `trunk`."""
    path = tmp_path / "site.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "trunk", str(path)], check=True)
    return path


# -- a file that is right -----------------------------------------------------------------------------


@pytest.fixture
def realistic(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text(REALISTIC, encoding="utf-8")
    return load_config(path)


def test_load_config_reads_the_backend_with_its_options(realistic):
    assert realistic.backend == "gitlab"
    assert realistic.backend_options == {
        "repo": "group/sub/site",
        "branch": "main",
        "auth_type": "pkce",
        "app_id": "4f9a",
        "cms_label_prefix": "desk/",
        "commit_messages": {"create": "Add {{collection}} “{{slug}}”"},
    }


def test_load_config_reads_how_and_where_is_published(realistic):
    assert realistic.publish_mode == "editorial_workflow"
    assert realistic.media_folder == "static/img"
    assert realistic.public_folder == "/img"


def test_load_config_names_the_file_as_the_source(realistic, tmp_path):
    assert realistic.source == str(tmp_path / "config.yml")


def test_load_config_keeps_the_order_of_collections(realistic):
    assert [collection.name for collection in realistic.collections] == [
        "posts", "notes", "data", "recipes", "letters", "top", "pages", "docs", "settings",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "expected",
    [
        Collection("posts", "Post", folder="content/posts", template="{{year}}/{{slug}}/index", depth=3),
        Collection("notes", "Post", folder="content/notes", extension="mdx"),
        Collection("data", folder="data", extension="yml"),
        Collection("recipes", "Recipes", folder="data/recipes", extension="txt"),
        Collection("letters", folder="letters", extension="md"),
        Collection("top", folder=""),
        Collection("pages", "Pages", folder="content/pages", depth=3, nested=True),
        Collection("docs", folder="docs", depth=100, nested=True),
        Collection(
            "settings",
            "Settings",
            files=(
                CollectionFile("general", "data/general.yml", "General"),
                CollectionFile("nav", "data/nav.json"),
            ),
        ),
    ],
    ids=lambda collection: collection.name,
)
def test_load_config_reads_a_collection(realistic, expected):
    assert realistic.collection(expected.name) == expected


@pytest.mark.parametrize(
    ("form", "extension"),
    [
        ("yml", "yml"),
        ("yaml", "yml"),
        ("toml", "toml"),
        ("json", "json"),
        ("frontmatter", "md"),
        ("yaml-frontmatter", "md"),
        ("json-frontmatter", "md"),
    ],
)
def test_format_gives_the_extension_where_none_is_named(form, extension):
    config = site(f"collections: [{{name: a, folder: a, format: {form}}}]")
    assert config.collections[0].extension == extension


def test_config_has_only_a_backend():
    """Nothing else is required, and publishing is direct."""
    config = parse_config(b"backend: {name: github}", "config.yml")
    assert config == SiteConfig(
        "github", {}, "simple", media_folder="", public_folder="/", collections=(), source="config.yml"
    )


def test_public_folder_is_by_default_the_media_folder_at_the_top():
    assert site("media_folder: static/img").public_folder == "/static/img"


def test_load_config_reads_utf_8(tmp_path):
    path = tmp_path / "config.yml"
    path.write_bytes("backend: {name: github}\nmedia_folder: médias/日本\n".encode())
    assert load_config(str(path)).media_folder == "médias/日本"


def test_keys_of_the_backend_are_not_checked_before_it_is_opened():
    """Which options there are is the plugin's to say, and it may not be installed."""
    assert parse_config(b"backend: {name: x, zzz: 1}", "c").backend_options == {"zzz": 1}


def test_a_site_is_by_default_published_at_once_and_has_nothing():
    assert SiteConfig("github") == SiteConfig(
        "github",
        backend_options={},
        publish_mode="simple",
        media_folder="",
        public_folder="",
        collections=(),
        source="the configuration",
    )


# -- a file that is wrong -----------------------------------------------------------------------------


def test_load_config_of_a_file_that_is_not_there(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^cannot read the configuration '.*/config\.yml': No such file or directory$"
    ):
        load_config(tmp_path / "config.yml")


def test_load_config_of_a_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the configuration '.*': Is a directory"):
        load_config(tmp_path)


def test_load_config_names_the_line_that_is_not_yaml(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("backend:\n  name: github\n  repo: [octo/site\n  branch: main\n")
    with pytest.raises(ConfigError, match=r"config\.yml is not YAML, line 4: .+; mend that line$"):
        load_config(path)


def test_parse_config_of_bytes_that_are_not_utf_8():
    with pytest.raises(ConfigError, match=r"^config\.yml is not YAML.*: invalid continuation byte"):
        parse_config(b"backend:\n  name: caf\xe9\n", "config.yml")


@pytest.mark.parametrize("content", [b"backend:\n  name: caf\xe9\n", b"backend:\n  name: \x01\n"])
def test_parse_config_names_the_line_of_a_character_that_cannot_be(content):
    with pytest.raises(ConfigError, match="line 2"):
        parse_config(content, "config.yml")


@pytest.mark.parametrize("value", ["2021-02-30", "0b_"])
def test_parse_config_of_a_value_that_yaml_cannot_make(value):
    """A default of some widget, which is none of our business, must not end in a traceback."""
    with pytest.raises(ConfigError, match=r"config\.yml is not YAML"):
        site(f"x: {value}")


def test_parse_config_of_endless_nesting():
    with pytest.raises(ConfigError, match=r"config\.yml is not YAML"):
        parse_config(b"[" * 5000, "config.yml")


def test_parse_config_never_runs_what_a_file_says():
    with pytest.raises(ConfigError, match=r"config\.yml is not YAML, line 1: could not determine a constr"):
        parse_config(b"backend: !!python/object/apply:os.getcwd []", "config.yml")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only a comment\n", b"---\n"])
def test_parse_config_of_an_empty_file(content):
    with pytest.raises(
        ConfigError, match=r"^config\.yml is empty; it needs at least a 'backend' with a 'name'$"
    ):
        parse_config(content, "config.yml")


def test_parse_config_without_a_backend():
    with pytest.raises(
        ConfigError, match=r"^config\.yml has no 'backend'; it needs one with a 'name'$"
    ) as caught:
        parse_config(b"media_folder: img", "config.yml")
    assert caught.value.key == "backend"


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("- backend", "the top level", "'the top level' must be a mapping, not a list"),
        ("42", "the top level", "'the top level' must be a mapping, not a int"),
        ("1: x", "the top level", "'the top level' must be a mapping whose keys are texts, not a int"),
        ("backend: [github]", "backend", "'backend' must be a mapping, not a list"),
        ("backend: github", "backend", "'backend' must be a mapping, not 'github'"),
        ("backend:", "backend", "'backend' must be a mapping, not empty"),
        ("backend: {repo: a/b}", "backend.name", "'backend.name' must be a text, not empty"),
        ("backend: {name: ''}", "backend.name", "'backend.name' must be a text, not ''"),
        ("backend: {name: {a: b}}", "backend.name", "'backend.name' must be a text, not a mapping"),
        (
            "backend: {name: x, 1: y}",
            "backend",
            "'backend' must be a mapping whose keys are texts, not a int",
        ),
    ],
)
def test_parse_config_of_a_backend_that_is_none(text, key, message):
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), "config.yml")
    assert str(caught.value) == f"config.yml: {message}"
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (
            "publish_mode: editorial",
            "publish_mode",
            "'publish_mode' must be 'simple' or 'editorial_workflow', not 'editorial'",
        ),
        ("publish_mode: [simple]", "publish_mode", "'simple' or 'editorial_workflow', not a list"),
        ("media_folder: [a]", "media_folder", "'media_folder' must be a text, not a list"),
        (
            "media_folder: ../img",
            "media_folder",
            "'media_folder': the path '../img' has the segment '..'; write it out",
        ),
        ("public_folder: 7", "public_folder", "'public_folder' must be a text, not a int"),
        ("collections: {a: b}", "collections", "'collections' must be a list, not a mapping"),
        ("collections: [a]", "collections[0]", "'collections[0]' must be a mapping, not 'a'"),
        ("collections: [{folder: a}]", "collections[0].name", "must be a text, not empty"),
        (
            "collections: [{name: a/b, folder: a}]",
            "collections[0].name",
            "must be a name without '/' (it becomes part of a branch), not 'a/b'",
        ),
        (
            "collections: [{name: a}]",
            "collections[0]",
            "collection 'a' has neither 'folder' nor 'files'; it needs one",
        ),
        (
            "collections: [{name: a, folder: content/../../etc}]",
            "collections[0].folder",
            "'collections[0].folder': the path 'content/../../etc' has the segment '..'; write it out",
        ),
        ("collections: [{name: a, folder: [x]}]", "collections[0].folder", "must be a text, not a list"),
        (
            "collections: [{name: a, label: [x], folder: x}]",
            "collections[0].label",
            "must be a text, not a list",
        ),
        (
            "collections: [{name: a, folder: x, path: [y]}]",
            "collections[0].path",
            "must be a text, not a list",
        ),
        (
            "collections: [{name: a, folder: x, format: {}}]",
            "collections[0].format",
            "must be a text, not a mapping",
        ),
        (
            "collections: [{name: a, folder: x, extension: 1}]",
            "collections[0].extension",
            "must be a text, not a int",
        ),
        (
            "collections: [{name: a, folder: x, nested: 3}]",
            "collections[0].nested",
            "must be a mapping, not a int",
        ),
        (
            "collections: [{name: a, folder: x, nested: {depth: deep}}]",
            "collections[0].nested.depth",
            "must be a number, not 'deep'",
        ),
        ("collections: [{name: a, files: x}]", "collections[0].files", "must be a list, not 'x'"),
        ("collections: [{name: a, files: [x]}]", "collections[0].files[0]", "must be a mapping, not 'x'"),
        (
            "collections: [{name: a, files: [{name: b, file: c, label: 1}]}]",
            "collections[0].files[0].label",
            "'collections[0].files[0].label' must be a text, not a int",
        ),
        (
            "collections: [{name: a, files: [{name: b}]}]",
            "collections[0].files[0].file",
            "must be a text, not empty",
        ),
        (
            "collections: [{name: a, files: [{file: b}]}]",
            "collections[0].files[0].name",
            "must be a text, not empty",
        ),
        (
            "collections: [{name: a, files: [{name: b, file: x/../y}]}]",
            "collections[0].files[0].file",
            "the path 'x/../y' has the segment '..'; write it out",
        ),
    ],
)
def test_parse_config_names_file_and_key_of_what_is_wrong(text, key, message):
    with pytest.raises(ConfigError) as caught:
        site(text)
    assert str(caught.value).startswith("config.yml: ")
    assert str(caught.value).endswith(message)
    assert caught.value.key == key


def test_parse_config_names_the_second_of_two_collections_of_one_name():
    with pytest.raises(
        ConfigError, match=r"^config\.yml: there are two collections 'a'; rename one$"
    ) as caught:
        site("collections: [{name: a, folder: x}, {name: b, folder: y}, {name: a, folder: z}]")
    assert caught.value.key == "collections[2].name"


def test_parse_config_of_two_files_of_one_name():
    with pytest.raises(ConfigError, match="two files 'b'"):
        site("collections: [{name: a, files: [{name: b, file: x.md}, {name: b, file: y.md}]}]")


def test_parse_config_of_a_file_without_a_path():
    with pytest.raises(ConfigError, match=r"collections\[0\]\.files\[0\]\.file"):
        site("collections: [{name: a, files: [{name: b, file: /}]}]")


@pytest.mark.parametrize("depth", ["0", "-1", "true"])
def test_parse_config_of_a_depth_that_no_entry_has(depth):
    with pytest.raises(ConfigError, match=r"collections\[0\]\.nested\.depth"):
        site(f"collections: [{{name: a, folder: x, nested: {{depth: {depth}}}}}]")


def test_parse_config_of_a_folder_that_was_forgotten():
    with pytest.raises(ConfigError, match=r"collections\[0\]"):
        site("collections: [{name: a, folder: }]")


def test_read_config_of_data_calls_it_the_configuration():
    with pytest.raises(ConfigError, match=r"^the configuration has no 'backend'"):
        read_config({})


def test_collection_that_is_not_there_lists_those_that_are():
    config = site("collections: [{name: posts, folder: x}, {name: pages, folder: y}]")
    with pytest.raises(
        ConfigError, match=r"^config\.yml has no collection 'psots' \(it has: posts, pages\)$"
    ) as caught:
        config.collection("psots")
    assert caught.value.key == "psots"


def test_collection_of_a_site_without_any_says_so():
    with pytest.raises(ConfigError, match=r"^the configuration has no collection 'posts' \(it has: none\)$"):
        SiteConfig("github").collection("posts")


# -- the same site on another backend -----------------------------------------------------------------


def test_with_backend_keeps_what_means_the_same_everywhere():
    neutral = {
        "branch": "main",
        "cms_label_prefix": "desk/",
        "squash_merges": True,
        "preview_context": "deploy",
        "commit_messages": {"create": "Add {{slug}}"},
        "open_authoring": False,
    }
    foreign = {"repo": "a/b", "api_root": "https://example.org", "auth_type": "pkce", "app_id": "4f9a"}
    assert SiteConfig("gitlab", {**neutral, **foreign}).with_backend("local").backend_options == neutral


def test_with_backend_changes_nothing_but_the_backend(realistic):
    other = realistic.with_backend("local")
    assert other.backend == "local"
    assert (other.collections, other.publish_mode, other.media_folder, other.source) == (
        realistic.collections, realistic.publish_mode, realistic.media_folder, realistic.source,
    )  # fmt: skip


def test_with_backend_notes_which_options_it_drops(realistic, caplog):
    caplog.set_level(logging.INFO)
    realistic.with_backend("local")
    assert [record.getMessage() for record in caplog.records] == [
        "options of 'gitlab' are dropped for 'local': app_id, auth_type, repo"
    ]


def test_with_backend_that_drops_nothing_says_nothing(caplog):
    caplog.set_level(logging.INFO)
    SiteConfig("github", {"branch": "main"}).with_backend("local")
    assert caplog.records == []


@pytest.mark.parametrize("name", ["git-gateway", "git_gateway"])
def test_with_backend_of_the_same_backend_keeps_everything(name):
    config = SiteConfig("git-gateway", {"gateway_url": "/git"})
    assert config.with_backend(name) is config


def test_with_backend_keeps_open_authoring_to_be_refused(bare_git):
    """Dropping it would write to the original, which the site's owner did not want."""
    config = SiteConfig("github", {"repo": "a/b", "open_authoring": True}).with_backend("local")
    with pytest.raises(ConfigError, match="open_authoring is not supported yet"):
        open_repository(config, repo=bare_git)


# -- the forms of open_repository ---------------------------------------------------------------------


def test_open_repository_by_name_and_keywords(bare_git):
    with open_repository("local", repo=bare_git, branch="main") as repository:
        assert (repository.backend, repository.base_branch) == ("local", "main")


def test_open_repository_by_the_mapping_of_a_configuration(bare_git):
    backend = {"name": "local", "repo": str(bare_git), "branch": "main"}
    with open_repository(backend) as repository:
        assert (repository.backend, repository.base_branch) == ("local", "main")


def test_open_repository_leaves_the_mapping_as_it_was(bare_git):
    backend = {"name": "local", "repo": str(bare_git)}
    open_repository(backend).close()
    assert backend == {"name": "local", "repo": str(bare_git)}


def test_open_repository_by_a_whole_configuration(bare_git):
    config = SiteConfig("local", {"repo": str(bare_git), "branch": "main"})
    with open_repository(config) as repository:
        assert (repository.backend, repository.base_branch) == ("local", "main")


def test_open_repository_of_a_file_that_was_read(bare_git, tmp_path):
    path = tmp_path / "config.yml"
    path.write_text(f"backend:\n  name: local\n  repo: {bare_git}\n")
    with open_repository(load_config(path)) as repository:
        assert repository.base_branch == "trunk"


@pytest.mark.parametrize("form", ["mapping", "config"])
def test_open_repository_prefers_keywords(bare_git, form):
    options = {"repo": "/nowhere", "branch": "main"}
    source = {"name": "local", **options} if form == "mapping" else SiteConfig("local", options)
    with open_repository(source, repo=bare_git, branch="other") as repository:
        assert repository.base_branch == "other"


@pytest.mark.parametrize("backend", [{}, {"repo": "a/b"}, {"name": ""}, {"name": None}, {"name": 7}])
def test_open_repository_of_a_mapping_without_a_name(backend):
    with pytest.raises(
        ConfigError, match=r"^the backend mapping needs a 'name', such as 'github'$"
    ) as caught:
        open_repository(backend)
    assert caught.value.key == "name"


def test_open_repository_with_a_misspelt_option_names_the_right_one(bare_git):
    with pytest.raises(
        ConfigError, match=r"the local backend has no option 'brnch'; did you mean 'branch'\?"
    ):
        open_repository("local", repo=bare_git, brnch="main")


def test_open_repository_of_a_path_that_is_not_there(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^there is no directory '.*/nowhere'; make one with: git init$"
    ) as caught:
        open_repository("local", repo=tmp_path / "nowhere")
    assert caught.value.key == "repo"


def test_open_repository_of_a_configuration_whose_backend_is_not_installed():
    with pytest.raises(BackendNotFoundError, match="no backend 'zzz' is installed"):
        open_repository(SiteConfig("zzz"))
