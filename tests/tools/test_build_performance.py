from __future__ import annotations

from tools.build_performance import Row, page

_ROWS: list[Row] = [
    {
        "name": "sqlite/load",
        "ours": 1234.0,
        "unit": "rows/s",
        "raw": 2000.0,
        "peers": {"other": 500.0, "third": None},
        "vs_raw": 0.617,
        "vs_best_peer": 2.468,
    },
    {
        "name": "several/commit",
        "ours": 7.5,
        "unit": "us",
        "raw": 5.0,
        "peers": {"other": 3.75},
        "vs_raw": 1.5,
        "vs_best_peer": 0.5,
    },
]


def test_the_page_tells_of_every_row_and_of_those_where_others_are_faster() -> None:
    text = page(_ROWS, "2 cores")
    assert "| load | 1,234 rows/s | 2,000 | 62% | 2.47 x | other 500, third - |" in text
    assert "| commit | 7.5 us | 5 | 1.50 x | 0.5 x | other 3.75 |" in text
    assert text.endswith("## Where another library is faster\n\nIn `several/commit`.\n")
    assert page(_ROWS[:1], "2 cores").endswith("In none of these rows.\n")
    assert "Measured on 2 cores." in text
