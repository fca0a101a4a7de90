"""Terms under a picture: what stands in the place of a long local derivative is not the whole derivative."""

from __future__ import annotations

import pytest

import backpropsym as bp


@pytest.mark.parametrize("arrays", [False, True])
def test_a_local_derivative_beside_other_paths_is_told_apart_from_the_whole_one(arrays: bool) -> None:
    if arrays:
        net = bp.loads(
            'inputs = {x = [2]}\nparameters = {W = [2, 2]}\noutput = "a"\n'
            '[nodes]\nh = "W @ x"\na = "sum(h*h) + sum(W*W)"\n'
        )
    else:
        net = bp.loads(
            'inputs = ["x"]\nparameters = ["W"]\noutput = "a"\n[nodes]\nh = "W*x"\n'
            'a = "h*sigmoid(W*x*x + h)*tanh(W*x + 1)*exp(W*W + 1)"\n'
        )
    scene = net.draw(wrt="W").scene
    terms = [path.term for path in scene.highlights]
    assert sum(r"\right)_{\mathrm{link}}" in term for term in terms) == 1
    assert all(scene.derivative != term for term in terms)
    assert any("on the link alone" in fact for fact in scene.facts)
    alone = bp.parse("x[2] -> dense(2, tanh) -> dense(1) -> mse").draw(wrt="W1").scene
    assert not any("link" in text for text in (*alone.facts, *(path.term for path in alone.highlights)))
