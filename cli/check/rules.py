"""Every rule of `trueline check`, with the reason that it gives."""

from cli.check.finding import Level, Rule

_E, _W = Level.ERROR, Level.WARNING

FILE_UNREADABLE = Rule(
    "file-unreadable", _E, "A file that cannot be read", "nothing in it can be checked or imported"
)
SYNTAX = Rule("syntax", _E, "Code that Python cannot parse", "the integration would be broken")
LINK_OUTSIDE = Rule(
    "link-outside",
    _E,
    "A symbolic link that leads out of the repository",
    "a commit with it is refused, so that no job reads files of the worker",
)
FILE_NAME = Rule(
    "file-name", _E, "A task file with dots in its name", "such a file cannot be imported"
)
MANIFEST_UNREADABLE = Rule(
    "manifest-unreadable",
    _E,
    "A manifest that cannot be used as a whole",
    "no integration of the repository would be registered",
)
MANIFEST_ENTRY = Rule(
    "manifest-entry", _E, "A manifest entry that is refused", "this integration would be rejected"
)
SCHEMA_INVALID = Rule(
    "schema-invalid",
    _E,
    "A config schema that cannot be used",
    "this integration would be rejected",
)
SCHEMA_DESCRIPTION = Rule(
    "schema-description",
    _W,
    "A property of the config without a description",
    "whoever deploys it has to guess what belongs there",
)
SCHEMA_SECRET = Rule(
    "schema-secret",
    _E,
    "A secret that the schema does not mark as one",
    "it would be stored in the clear, shown to every reader and not redacted",
)
HOSTS_MISSING = Rule(
    "hosts-missing",
    _W,
    "An entry that does not say which hosts it reaches",
    "where hosts are enforced its jobs reach nothing",
)
FOLDER_MISSING = Rule(
    "folder-missing", _E, "An entry without a folder", "this integration would be rejected"
)
FOLDER_UNLISTED = Rule(
    "folder-unlisted",
    _W,
    "A folder that no entry lists",
    "it is never registered and never runs",
)
ENTRY_MISSING = Rule(
    "entry-missing", _E, "A folder without entry.py", "this integration would be rejected"
)
RUNNER_MISSING = Rule(
    "runner-missing", _E, "An entry.py without a Runner", "the integration would be broken"
)
RUNNER_NAME = Rule(
    "runner-name",
    _E,
    "A Runner whose name is not the folder's",
    "the integration would be broken",
)
RUNNER_STAGE = Rule(
    "runner-stage",
    _E,
    "A stage of the Runner that does not extend its base",
    "the integration would be broken",
)
TASK_ARGUMENT = Rule(
    "task-argument",
    _E,
    "An argument of @task that is refused",
    "the integration would be broken",
)
TASK_COMPUTED = Rule(
    "task-computed",
    _W,
    "An argument of @task that is computed",
    "neither this check nor the documentation can read it",
)
TASK_DESCRIPTION = Rule(
    "task-description",
    _W,
    "A task without a description",
    "whoever reads its result sees a title and no more",
)
TASK_SIGNATURE = Rule(
    "task-signature",
    _E,
    "A task that does not take (self, ctx)",
    "the integration would be broken",
)
TASK_DUPLICATE = Rule(
    "task-duplicate", _E, "Two tasks of one name", "the integration would be broken"
)
TASK_DEPENDENCY = Rule(
    "task-dependency",
    _E,
    "A dependency that cannot be met",
    "the integration would be broken",
)
TASK_CYCLE = Rule(
    "task-cycle",
    _E,
    "Tasks that depend on each other in a circle",
    "none of them could ever run",
)
TASK_MISSING = Rule(
    "task-missing", _E, "An integration without a task", "the integration would be broken"
)
TASK_PLACE = Rule(
    "task-place",
    _W,
    "A task in a file that nothing imports",
    "it never runs, and nothing says so",
)
UPSTREAM_UNKNOWN = Rule(
    "upstream-unknown",
    _E,
    "Data of a task that is not there",
    "ctx answers for a task that has not run, so this task fails or is never sure",
)
RESULT_SHAPE = Rule(
    "result-shape", _E, "A result that is refused", "the task would fail whenever it returns it"
)
REQUIREMENT_INVALID = Rule(
    "requirement-invalid",
    _E,
    "A line of requirements.txt that is refused",
    "the environment could not be built",
)
REQUIREMENT_UNPINNED = Rule(
    "requirement-unpinned",
    _W,
    "A requirement without an exact version",
    "tomorrow's environment may have another version than the one that was tested",
)
IMPORT_MISSING = Rule(
    "import-missing",
    _W,
    "An import that no requirement brings",
    "it would fail in the integration's own environment",
)
IMPORT_OWN = Rule(
    "import-own",
    _E,
    "An import of a file of the repository or of utils that is not there",
    "the integration would be broken",
)
SECRET_IN_CODE = Rule(
    "secret-in-code",
    _E,
    "A secret in a file",
    "whoever can read the repository has it, and its history keeps it",
)
CONFIG_PRINTED = Rule(
    "config-printed",
    _W,
    "A config that is printed",
    "what is redacted in this job's log is not redacted wherever else it goes",
)
REQUEST_TIMEOUT = Rule(
    "request-timeout",
    _W,
    "A request without a time-out",
    "a server that never answers holds the task until its deadline",
)
QUALITY_STALE = Rule(
    "quality-stale",
    _W,
    "A quality.json that is older than the folder",
    "its tier is of other files, so no tier is shown",
)
PAGE_STALE = Rule(
    "page-stale",
    _W,
    "A documentation page that is missing or stale",
    "it tells readers of another integration than the one that runs",
)

ALL = tuple(value for value in dict(globals()).values() if isinstance(value, Rule))
