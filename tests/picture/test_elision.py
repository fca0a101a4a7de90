"""Long products and paths that differ never look alike."""

from __future__ import annotations

import backpropsym as bp
from backpropsym.picture.content.elision import stretches


def test_ends_are_shown_and_what_differs() -> None:
    first, second, third = "abcdefghijklmn", "abcXefghijklmn", "abcdefghYjklmn"
    assert stretches([first], 6) == [["abc", "lmn"]]
    assert stretches(["abcdef", "abc", ""], 6) == [["abcdef"], ["abc"], [""]]
    assert stretches(["abcdefg"], 6) == [["abcdefg"]]
    shown = stretches([first, second, third], 6)
    assert ["…".join(each) for each in shown] == ["abcd…i…lmn", "abcX…lmn", "abcd…Y…lmn"]


def test_of_lists_of_several_lengths_none_looks_like_another() -> None:
    base = "abcdefghij"
    lists = [base, base[:4] + base[5:], base[:5] + base[6:], base[:4] + "xyz" + base[4:]]
    texts = ["…".join(each) for each in stretches(lists, 6)]
    assert len(set(texts)) == len(lists)
    assert all(text.startswith("abc") and text.endswith("hij") for text in texts)


def test_terms_through_attention_differ_in_the_legend() -> None:
    head = 'inputs = {x = [3, 4]}\nparameters = {Q = [4, 4]}\noutput = "a"\n[nodes]\n'
    net = bp.loads(f'{head}o = "attention(x @ Q, x, x)"\na = "sum(o)"\n')
    highlights = net.draw(wrt="Q", level="ops").scene.highlights
    assert len(highlights) == 2
    assert len({each.term for each in highlights}) == 2
    assert len({each.path for each in highlights}) == 2
