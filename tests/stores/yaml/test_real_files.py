"""Files such as programs of this world keep, small: read as another parser reads them, and edited in one place."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from holdall.query import FieldSchema, Kind, Schema
from holdall.store import Change, Verb
from holdall.stores.yaml import Layout, YamlStore
from tests.stores.yaml.test_edits import paths, replaced
from tests.support.second_yaml_parser import second
from tests.support.yaml_collections import rows, run

JEKYLL = """\
# Every site that is built with it.
- id: docs
  url: https://docs.example.org/   # moved in 2019
  text: >-
    The **manual**, built from the sources
    at 08:30 every day; see *all pages*.

  tags:
  - docs
  - open-source

# Shops
- id:   "01234"
  url:  http://shop.example.org:8080
  text: 'It''s a shop: "a & b"'
  tags: [shop,   small]
"""
HOME = """\
- id: lamp
  alias: "Lamp on at dusk"
  trigger:
    - platform: time
      at: "18:30:00"  # winter
    # the sensor is in the hall
    - platform: state
      entity_id: binary_sensor.hall
      to: 'on'
  condition: []
  action:
    - service: light.turn_on
      data:
        brightness_pct: 60
        message: >
          Somebody is in the hall,
          and it is dark.

          Lights go on.
  mode: single
- id: alarm
  alias: Alarm
  trigger: {platform: sun, event: sunset}
  action:
  - service: notify.all
    data: {title: "!", message: "{{ states('sensor.temp') }} °C"}
  mode: restart
"""
KUBERNETES = """\
---
# The front of the shop
id: web
apiVersion: apps/v1
kind: Deployment
metadata:
    name: web
    labels: {app: web, "tier": front}   # both are needed
    annotations:
        note: |
            first line
              second line, indented

            # no comment
spec:
    replicas: 3   # see the runbook
    template:
        spec:
            containers:
            -   name: web
                image: "registry.example.org/web:1.50"
                args: ["--port=8080",
                       "--verbose"]   # wrapped
                env:
                -   name: LIMIT
                    value: "0644"
                -   name: EMPTY
                    value:
                # the probe of the balancer
                livenessProbe: {httpGet: {path: /health, port: 8080}}
            -   name: side
                image: busybox
...
"""
SIGMA = """\
id: 36222790-0d43-4fe8-86e4-674b27809543
title: Unusual Use of a Tool
status: test
description: |
    Detects the use of a tool that
    nobody uses; see the references.
references:
    - https://example.org/a#b
    - https://example.org/c   # archived
author: Somebody, 'Somebody Else'
date: 2020/01/31
tags:
    - attack.execution
    - attack.t1059.001
logsource:
    category: process_creation
    product: windows
detection:
    selection:
        Image|endswith: '\\tool.exe'
        CommandLine|contains:
            - ' -nop '
            - "\\t-enc"
    filter_main:
        ParentImage: 'C:\\Program Files\\Tool\\tool.exe'
    condition: selection and not
        1 of filter_main*
falsepositives:
    - Unknown
level: high
"""
RUAMEL = """\
# the examples of its manual
id: all
american:
- Boston Red Sox
- Detroit Tigers   # away
hr:   65     # Home runs
avg:  0.278  # Batting average
? explicit
: - Detroit Tigers
  - Chicago cubs
plain:
  This unquoted scalar
  spans many lines.
quoted: "So does this
  quoted scalar.\\n"
folded: >
  Sammy Sosa completed another
  fine season.

    63 Home Runs
    0.288 Batting Average

  What a year!
keep: |+
  \\//||\\/||
  // ||  ||__

octal: 0o14
control: "\\b1998\\t1999\\t2000\\n"
single: '"Howdy!" he cried.'
tie-fighter: '|\\-*-/|'
empty:
- {}
- []
- ''
- null
-
- ~
unusual: [::vector, ": - ()", Up, up, and away!, -123, https://example.org/foo#bar]
"""
FOLDED = {"plain", "quoted", "detection"}  # values over several lines without a mark
LISTS = {"jekyll": JEKYLL, "home": HOME}
RECORDS = {"kubernetes": KUBERNETES, "sigma": SIGMA, "ruamel": RUAMEL}


def placed(root: Path, text: str, end: str) -> tuple[YamlStore, Path, dict[str, Any]]:
    """The text as a file of a store whose fields hold any value, and the values that another parser reads there."""
    values = second(text)
    layout: Layout = "collection" if isinstance(values, list) else "record"
    records = {record["id"]: record for record in (values if layout == "collection" else [values])}
    names = dict.fromkeys(name for record in records.values() for name in record if name != "id")
    fields = [FieldSchema(name, Kind.JSON, nullable=True) for name in names]
    store = YamlStore("it", root, layout=layout)
    store.bind([Schema("it", (FieldSchema("id", Kind.STR), *fields), ("id",))])
    run(store.create())
    file = root / "it.yaml" if layout == "collection" else root / "it" / f"{values['id']}.yml"
    file.write_bytes(text.replace("\n", end).encode())
    return store, file, {key: {name: record.get(name) for name in ("id", *names)} for key, record in records.items()}


def stored(store: YamlStore, expected: dict[str, Any]) -> dict[str, Any]:
    names = list(next(iter(expected.values())))
    return {key: dict(zip(names, found, strict=True)) for key, found in rows(store, "it").items()}


def set_field(store: YamlStore, key: str, name: str, value: Any) -> None:
    run(store.apply([Change(Verb.UPDATE, "it", key, (name,), (value,))]))


def changed_places(before: list[str], after: list[str]) -> list[slice]:
    """Which lines are no longer as they were, neighbours together."""
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [slice(start, end) for tag, start, end, _, _ in codes if tag != "equal"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", [*LISTS, *RECORDS])
def test_values_are_those_of_a_second_parser(tmp_path: Path, name: str, end: str) -> None:
    store, _, expected = placed(tmp_path, {**LISTS, **RECORDS}[name], end)
    assert stored(store, expected) == expected
    assert run(store.inspect()) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", [*LISTS, *RECORDS])
def test_each_single_value_is_edited_in_its_place_and_back(tmp_path: Path, name: str, end: str) -> None:
    text = {**LISTS, **RECORDS}[name].replace("\n", end)
    store, file, expected = placed(tmp_path, {**LISTS, **RECORDS}[name], end)
    for key, record in expected.items():
        for path in [path for path in paths(record) if path[0] != "id"]:
            file.write_bytes(text.encode())
            old = record
            for step in path:
                old = old[step]
            if isinstance(old, dict | list):
                continue
            new = "changed" if old != "changed" else "x"
            changed = replaced(record, path, new)
            set_field(store, key, path[0], changed[path[0]])
            assert stored(store, expected) == {**expected, key: changed}
            before, after = text.split(end), file.read_bytes().decode().split(end)
            (place,) = changed_places(before, after)
            lines = before[place]
            assert len(lines) <= 1 or lines[0].endswith(("|", ">", ">-", "|+")) or path[0] in FOLDED, (path, lines)
            comments = [line.rpartition(" # ")[2] for line in lines if " # " in line and "no comment" not in line]
            assert all(comment in file.read_text() for comment in comments)


def test_a_nested_value_is_one_changed_line_and_its_comments_stay(tmp_path: Path) -> None:
    text = "id: a\nconf:\n  # seconds; the gateway gives up at 60\n  timeout: 30\n  retry: 3   # see the runbook\n"
    store, file, expected = placed(tmp_path, text, "\n")
    set_field(store, "a", "conf", {"timeout": 31, "retry": 3})
    assert file.read_text() == text.replace("30", "31")
    set_field(store, "a", "conf", {"timeout": 31, "retry": 3, "proxy": None})
    assert file.read_text() == text.replace("30", "31") + "  proxy: null\n"
    set_field(store, "a", "conf", {"retry": 3})
    assert file.read_text() == text.replace("  timeout: 30\n", "")
    assert set(expected) == set(rows(store, "it"))


@pytest.mark.parametrize(
    "text",
    [
        "# owners: ops\n- id: a   # first\n  name: x   # keep\n...\n",
        "# owners: ops\n-\n  id: a\t# first\n  name: x   # keep\n# end\n",
        "# owners: ops\n[{id: a, name: x}]  # keep\n",
        "--- # owners: ops\n- {id: a, name: x} # keep\n",
        "\ufeff# owners: ops\r\n- id: a\r\n  name: x   # keep\r\n",
    ],
)
def test_a_record_is_added_without_touching_the_others(tmp_path: Path, text: str) -> None:
    store = YamlStore("it", tmp_path, layout="collection")
    name = FieldSchema("name", Kind.STR, nullable=True)
    store.bind([Schema("it", (FieldSchema("id", Kind.STR), name), ("id",))])
    file = tmp_path / "it.yaml"
    file.write_bytes(text.encode())
    run(store.apply([Change(Verb.ADD, "it", "b")]))
    result = file.read_bytes().decode()
    assert rows(store, "it") == {"a": ("a", "x"), "b": ("b", None)}
    end = "\r\n" if "\r" in text else "\n"
    added = ", {id: b}" if "[" in text else f"- id: b{end}"
    assert result.replace(added, "", 1) == text
    run(store.apply([Change(Verb.REMOVE, "it", "b")]))
    assert file.read_bytes().decode() == text
