"""Networks that together use every option of attention, recurrent layers, embedding and bilinear forms."""

from __future__ import annotations

_HEAD = "inputs = {{x = [3, 4]}}\nparameters = {{{parameters}}}\noutput = 'a'\n[nodes]\n"
_MASK = "[constants]\nM = [[1, 0], [1, 1], [0, 1]]\n"
_TAIL = "a = 'sum(z*tanh(z)) + mean(z)'\n"
_ROWS = "q = [3, 4], k = [2, 4], v = [2, 6]"


def _network(parameters: str, *nodes: str) -> str:
    return _HEAD.format(parameters=parameters) + "\n".join(nodes) + "\n" + _TAIL


def _short(parameters: str, node: str) -> str:
    """On two rows, so that the listing of all paths stays short."""
    return _network(parameters, node).replace("x = [3, 4]", "x = [2, 3]")


SEQUENCES = {
    "attention": _network(_ROWS, 'z = "attention(q*tanh(x), k, v)"'),
    "attention, heads": _network(_ROWS, 'z = "attention(q*x, k, v, heads=2)"'),
    "attention, causal": _network("q = [3, 2]", 'z = "attention(q*x, q, x, causal=True, heads=2)"').replace(
        "[3, 4]", "[3, 2]"
    ),
    "attention, mask": _network(_ROWS, 'z = "attention(q*x, k, v, mask=M)"') + _MASK,
    "attention, bias": _network(_ROWS + ", B = [2]", 'z = "attention(q*x, k, v, bias=B, causal=False)"'),
    "attention, leading axes": _network(
        "q = [2, 3, 4], k = [2, 2, 4], v = [2, 2, 4]", 'z = "attention(q*x, k, v, heads=2, causal=True, mask=M)"'
    )
    + _MASK,
    "multi-head attention": _short(
        "Wq = [2, 3], Wk = [2, 3], Wv = [4, 3], Wo = [2, 4], bq = [2], bk = [2], bv = [4], bo = [2]",
        'z = "multi_head_attention(x, Wq, Wk, Wv, Wo, heads=2, causal=True, bq=bq, bk=bk, bv=bv, bo=bo)"',
    ),
    "attention to a memory": _short(
        "m = [2, 3], Wq = [4, 3], Wk = [4, 3], Wv = [4, 3], Wo = [2, 4]",
        'z = "multi_head_attention(x, Wq, Wk, Wv, Wo, memory=m, heads=2)"',
    ),
    "rnn": _short("W = [2, 3], U = [2, 2], b = [2]", 'z = "rnn(x, W, U, b)"'),
    "rnn, options": _short(
        "W = [2, 3], U = [2, 2], b = [2], s = [2]", "z = 'rnn(x, W, U, b, h0=s, last=True, activation=\"softplus\")'"
    ),
    "gru": _short("W = [6, 3], U = [6, 2], b = [6], c = [6]", 'z = "gru(x, W, U, b, c)"'),
    "gru, options": _short(
        "W = [6, 3], U = [6, 2], b = [6], c = [6], s = [2]", 'z = "gru(x, W, U, b, c, h0=s, last=True)"'
    ),
    "lstm": _short("W = [8, 3], U = [8, 2], b = [8]", 'z = "lstm(x, W, U, b)"'),
    "lstm, options": _short(
        "W = [8, 3], U = [8, 2], b = [8], s = [2], r = [2]", 'z = "lstm(x, W, U, b, h0=s, c0=r, last=True)"'
    ),
    "two layers": _short(
        "W = [8, 3], U = [8, 2], b = [8], V = [2, 2], R = [2, 2], c = [2]",
        'z = "rnn(lstm(x, W, U, b), V, R, c) + rnn(x @ transpose(x), R, R, c)"',
    ),
    "bilinear": _network(
        "A = [2, 4, 3], B = [3, 4], b = [2]",
        'z = "bilinear(x, A, x @ transpose(B), bias=b) + bilinear(x[0], A, B @ x[1])"',
    ),
}

EMBEDDING = """
inputs = {words = [3]}
targets = ["y"]
parameters = {E = [5, 2], W = [4, 2]}
output = "o"
loss = "cross_entropy(o, y)"
[nodes]
e = "embedding(words, E)"
s = "tanh(e) @ transpose(W)"
o = "s[0]*s[1] + s[2]"
"""
