import pytest

from utils.tree import CheckedTree, TreeEntry, check_tree, integration_of, parse_tree, shown


def files(*paths: str) -> list[TreeEntry]:
    return [TreeEntry("100644", "f", 1, path) for path in paths]


def tree_of(links: dict[str, str], *paths: str) -> CheckedTree:
    entries = [TreeEntry("120000", path, 1, path) for path in links]
    targets = {path: target.encode("utf-8", "surrogateescape") for path, target in links.items()}
    return check_tree([*entries, *files(*paths)], targets)


def test_a_listing_is_read() -> None:
    listing = (
        b"100755 blob aa      12\tbin/run\0"
        b"160000 commit bb       -\tmodule\0"
        b"100644 blob cc       0\todd \xff\tname\n\0"
    )
    first, second, third = parse_tree(listing)
    assert first == TreeEntry("100755", "aa", 12, "bin/run")
    assert (second.mode, second.size_bytes, second.is_file) == ("160000", 0, False)
    assert third.path == "odd \udcff\tname\n"
    assert shown(third.path).isprintable()


def test_files_links_and_submodules_are_told_apart() -> None:
    entries = [
        *files("a", "b/c"),
        TreeEntry("120000", "l", 1, "link"),
        TreeEntry("160000", "s", 0, "module"),
    ]
    tree = check_tree(entries, {"l": b"a"})
    assert [entry.path for entry in tree.files] == ["a", "b/c"]
    assert tree.links == {"link": "a"}
    assert tree.submodules == ("module",)
    assert tree.size_bytes == 2
    assert not tree.left_out


@pytest.mark.parametrize(
    "path",
    [
        "integrations/x/../y",
        "integrations/x/./y",
        "integrations/x//y",
        "integrations/x/.git/hooks/post-checkout",
        "integrations/x/.GIT/config",
        "integrations/x/.git",
        "integrations/x/git~1/config",
        "integrations/x/.g\u200cit/config",
        "integrations/x/.git. /config",
    ],
)
def test_a_name_that_no_working_tree_may_have_rejects_its_integration_alone(path: str) -> None:
    tree = check_tree(files(path, "integrations/good/entry.py"), {})
    assert [entry.path for entry in tree.files] == ["integrations/good/entry.py"]
    assert set(tree.rejected) == {"x"}


def test_names_that_only_look_alike_are_kept() -> None:
    paths = (".gitignore", ".github/x", "a.git/config", "README", "readme", "..x", "...")
    assert len(check_tree(files(*paths), {}).files) == len(paths)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("integrations/x/a", "entry.py"),
        ("integrations/x/a", "./sub/../entry.py"),
        ("integrations/x/a", "../y/entry.py"),
        ("integrations/x/a", "../../common/lib.py"),
        ("integrations/x/a", "missing"),
        ("a", "integrations"),
        ("a", "."),
    ],
)
def test_a_link_that_stays_inside_is_kept(link: str, target: str) -> None:
    tree = tree_of({link: target})
    assert tree.links == {link: target}
    assert not tree.rejected


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../etc/passwd", "../../..", "", "a\0b", "sub/../../../../x"]
)
def test_a_link_that_leads_out_rejects_its_integration_alone(target: str) -> None:
    tree = tree_of({"integrations/x/a": target, "integrations/y/b": "entry.py"})
    assert tree.links == {"integrations/y/b": "entry.py"}
    assert set(tree.rejected) == {"x"}
    assert "integrations/x/a" in tree.rejected["x"]


def test_links_are_walked_as_the_kernel_does() -> None:
    tree = tree_of(
        {
            "integrations/x/deep/up": "../../..",  # the repository itself: inside
            "integrations/x/out": "deep/up/../etc",  # looks harmless, and is not
            "integrations/y/through": "../x/out",  # through another's escape
            "integrations/z/loop": "loop",
        }
    )
    assert set(tree.links) == {"integrations/x/deep/up"}
    assert set(tree.rejected) == {"x", "y", "z"}


def test_an_escaping_link_outside_of_integrations_is_left_out_and_rejects_no_one() -> None:
    tree = tree_of({"docs/a": "/etc/passwd"})
    assert not tree.links
    assert not tree.rejected
    assert set(tree.left_out) == {"docs/a"}


def test_the_integration_of_a_path() -> None:
    assert integration_of("integrations/x/entry.py") == "x"
    assert integration_of("integrations/x") == "x"
    assert integration_of("integrations.json") == ""
    assert integration_of("other/x/y") == ""


@pytest.mark.parametrize("beside", ["a/file", "a", "A/file"])
def test_a_link_with_the_name_of_a_file_or_folder_is_left_out_and_not_walked(beside: str) -> None:
    # By the link that the checks see, x stays inside; by the folder on the disk it leads out.
    tree = tree_of({"a": "d1/d2/d3", "x": "a/../../../secret"}, beside)
    assert not tree.links
    assert set(tree.left_out) == {"a", "x"}


def test_a_link_above_another_link_is_left_out() -> None:
    tree = tree_of({"a/b": "../file", "a": "d1/d2", "x": "a/../../secret"}, "file")
    assert tree.links == {"a/b": "../file"}


def test_folders_of_integrations_are_told_with_the_ids_of_their_content() -> None:
    names = ("integrations", "integrations/x", "integrations/x/deep", "other", "other/x")
    folders = [TreeEntry("040000", f"id of {name}", 0, name) for name in names]
    tree = check_tree([*folders, *files("integrations/x/entry.py", "integrations/file")], {})
    assert tree.integrations == {"x": "id of integrations/x"}
    assert set(tree.folders) == set(names)
    assert [entry.path for entry in tree.files] == ["integrations/x/entry.py", "integrations/file"]
