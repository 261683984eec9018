"""A finding of `trueline check`: a rule, a place, what is wrong there and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding means for the exit code."""

    ERROR = "error"  # the integration would be refused, or would not do what it says
    WARNING = "warning"  # it runs, and somebody will be sorry


@dataclass(frozen=True)
class Rule:
    """One thing that is looked for; its id stays for good."""

    id: str
    level: Level
    title: str
    why: str


@dataclass(frozen=True)
class Finding:
    """One place where a rule is broken; `path` is relative to the repository, lines begin at 1."""

    rule: Rule
    path: str
    line: int
    what: str
    fix: str

    @property
    def message(self) -> str:
        """`what; why; fix`, as it is printed behind the place."""
        return f"{self.what}; {self.rule.why}; {self.fix}"

    @property
    def position(self) -> tuple[str, int, str]:
        """Where it stands among others."""
        return self.path, self.line, self.rule.id

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {
            "rule": self.rule.id,
            "level": self.rule.level.value,
            "path": self.path,
            "line": self.line,
            "what": self.what,
            "why": self.rule.why,
            "fix": self.fix,
        }
