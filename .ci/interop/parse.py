"""Parses SQL texts, one JSON object a line, in sqlglot's Snowflake dialect.

A text fails when sqlglot cannot parse it, when it is not exactly one statement, when it holds what sqlglot only passes
through (its Command node) and is not on the list below, or when a name or a literal that it must have reads as another.
"""

import collections
import json
import re
import sys

import sqlglot
from sqlglot import exp

# What sqlglot 30.30.0 has no grammar for in this dialect: the statement's first word, and what may follow it.
STRING = r"'(?:[^'\\]|''|\\.)*'"
COMMANDS = {
    "SHOW": re.compile(r"SHOW LOCKS"),
    "REMOVE": re.compile(r"REMOVE " + STRING, re.DOTALL),
}


def check(text, identifiers=(), literals=()):
    """Returns the kind of statement that the text is."""
    statements = sqlglot.parse(text, dialect="snowflake")
    if len(statements) != 1 or statements[0] is None:
        raise ValueError(f"{len(statements)} statements")
    names, texts = set(), set()
    for node in statements[0].walk():
        if isinstance(node, exp.Command):
            known = COMMANDS.get(node.this)
            if node is not statements[0] or known is None or not known.fullmatch(text):
                raise ValueError(f"passed through as a command: {node.this}")
            return f"Command {node.this}"
        if isinstance(node, exp.Identifier):
            names.add(node.this)
        elif isinstance(node, (exp.Literal, exp.Var)):
            texts.add(node.this)
    for kind, wanted, got in (("name", identifiers, names), ("literal", literals, texts)):
        for want in wanted:
            if want not in got:
                raise ValueError(f"{kind} {want!r} is read as one of {sorted(got)}")
    return type(statements[0]).__name__


def main():
    kinds = collections.Counter()
    failures = 0
    sqlglot.parser.logger.disabled = True
    for line in sys.stdin:
        given = json.loads(line)
        text = given["sql"]
        try:
            kinds[check(text, given.get("identifiers", ()), given.get("literals", ()))] += 1
        except (ValueError, sqlglot.errors.SqlglotError) as e:
            failures += 1
            print(f"{text}\n  {str(e)[:500]}")
    print(f"sqlglot {sqlglot.__version__}: {sum(kinds.values())} texts parse: {dict(sorted(kinds.items()))}")
    sys.exit(1 if failures else 0)


main()
