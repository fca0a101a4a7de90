"""Networks, kernels, derivations and errors in other processes: what arrives gives what was sent."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import cloudpickle
import numpy as np
import pytest

import backpropsym as bp
from backpropsym import errors
from backpropsym.kernels.api.compile import MODES
from backpropsym.learn.descent import Plan
from backpropsym.ops.function import FUNCTIONS, Primitive

OWN = """
inputs = ["x"]
parameters = ["w"]
output = "a"
[functions]
"swish(x, beta)" = "x*sigmoid(beta*x)"
tanh = "x**3"
f = "relu"
[constants]
c = 2.0
[nodes]
a = "swish(w*x, c) + tanh(x*w) + f(w)"
"""
NETWORKS: dict[str, Callable[[], bp.Network]] = {
    "numbers": lambda: bp.example("lecture"),
    "own functions": lambda: bp.loads(OWN),
    "gradient network": lambda: bp.loads(OWN).gradient_graph(wrt="w"),
    "layers": lambda: bp.parse("x[3] -> dense(4, tanh) -> layer_norm -> dense(2) -> cross_entropy"),
    "pictures": lambda: bp.parse("x[1,5,5] -> conv2d(2, 3) -> gelu -> max_pool(3) -> flatten -> dense(2) -> mse"),
    "choices": lambda: bp.loads(
        'inputs = {i = [], t = [2]}\nparameters = {E = [3, 2]}\noutput = "a"\n[nodes]\na = "sum(embedding(i, E)*t)"\n'
    ),
    "widths": lambda: bp.loads(
        'inputs = {x = ["n"]}\nparameters = {W = ["m", "n"]}\noutput = "a"\n[nodes]\na = "sum(softplus(W @ x))"\n'
    ),
}
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda found: pickle.loads(pickle.dumps(found)),
    "protocol 2": lambda found: pickle.loads(pickle.dumps(found, 2)),
    "cloudpickle": lambda found: cloudpickle.loads(cloudpickle.dumps(found)),
    "deep copy": copy.deepcopy,
}
every_network = pytest.mark.parametrize("name", NETWORKS)
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def numbers(net: bp.Network, objects: int | None = None) -> dict[str, Any]:
    """Whole numbers for what chooses, others for the rest."""
    random, found = np.random.default_rng(0), {}
    for leaves in (net.inputs, net.targets, net.parameters):
        lead = () if objects is None or leaves == net.parameters else (objects,)
        for name, shape in leaves.items():
            sizes = lead + tuple(3 if isinstance(size, str) else size for size in shape)
            chooses = name == "i" or (leaves == net.targets and not shape)
            found[name] = random.integers(0, 2, sizes) if chooses else random.uniform(0.2, 1.2, sizes)
    return found


def results(kernel: Any, values: dict[str, Any]) -> list[Any]:
    """What a kernel gives: value, gradients, second derivatives, values of nodes."""
    value, gradients = kernel(**values)
    moved = {name: np.ones(np.shape(values[name])) for name in kernel.graph.names("parameter")}
    products = kernel.hvp(values, moved) if moved else {}
    return [value, *gradients.values(), *products.values(), *kernel.intermediates(values).values()]


def assert_same(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@every_way
@every_network
def test_kernels(name: str, way: Callable[[Any], Any]) -> None:
    """Before a call, after one, and after second derivatives, which share functions of the process."""
    net = NETWORKS[name]()
    kernel, values, batch = net.compile(), numbers(net), numbers(net, 3)
    before = way(kernel)
    expected = results(kernel, values)
    after = way(kernel)
    for copied in (before, after, way(after)):
        assert_same(results(copied, values), expected)
        assert_same(results(copied, batch), results(kernel, batch))
        assert copied.source == kernel.source
        assert (copied.names, copied.mode, repr(copied)) == (kernel.names, kernel.mode, repr(kernel))
        assert inspect.signature(copied) == inspect.signature(kernel)


@pytest.mark.parametrize(
    "options",
    [*({"mode": mode} for mode in MODES), {"accuracy": "full", "parameters": ["w11"], "objects_at_once": 2}],
    ids=repr,
)
def test_options_of_kernels(options: dict[str, Any]) -> None:
    net = bp.example("lecture")
    kernel = net.compile(**options)
    copied = pickle.loads(pickle.dumps(kernel))
    assert copied(**net.values) == kernel(**net.values)
    assert (copied.mode, copied.accuracy, copied.engine) == (kernel.mode, kernel.accuracy, kernel.engine)
    assert (copied.parameters, copied.most) == (kernel.parameters, kernel.most)


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name not in ("KroneckerDelta", "where")])
def test_kernels_of_every_function(function: str) -> None:
    arguments = ", ".join(["w*x", "w", "x"][: len(FUNCTIONS[function].required)])
    net = bp.loads(f'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "{function}({arguments})"\n')
    kernel, values = net.compile(), {"x": 0.5, "w": 0.75}
    expected = results(kernel, values)
    for copied in (pickle.loads(pickle.dumps(kernel)), cloudpickle.loads(cloudpickle.dumps(kernel))):
        assert_same(results(copied, values), expected)


@every_way
@every_network
def test_networks(name: str, way: Callable[[Any], Any]) -> None:
    net = NETWORKS[name]()
    values = numbers(net)
    before = way(net)
    expected = results(net.compile(), values)
    net.derive(net.graph.objective, wrt=next(iter(net.parameters)))
    for copied in (before, way(net)):
        assert repr(copied) == repr(net)
        assert copied.graph.nodes == net.graph.nodes
        assert_same(results(copied.compile(), values), expected)


def test_networks_on_their_way() -> None:
    """A network that is being built goes on where it was, apart from its copy."""
    net = bp.Network("one neuron")
    x, w = net.input("x"), net.parameter("w")
    f = net.function("f(x)", "tanh(x)**2")
    copied = pickle.loads(pickle.dumps(net))
    for each, formula in ((net, f(w * x)), (copied, f(w + x))):
        each.output = each.node("a", formula)
    assert net.compile()(x=1.0, w=2.0)[0] == pytest.approx(np.tanh(2.0) ** 2)
    assert copied.compile()(x=1.0, w=2.0)[0] == pytest.approx(np.tanh(3.0) ** 2)


def texts(derivation: Any) -> list[str]:
    """The derivation in every form that it has."""
    found = [derivation.of, derivation.wrt, str(derivation.count)]
    for form in ("paths", "factored", "expanded", "backward", "forward", "index", "matrix"):
        try:
            found += [derivation.expression(form), derivation.latex(form)]
        except bp.BackpropsymError as error:
            found.append(str(error))
    return found


def derivations(net: bp.Network) -> list[Any]:
    """By a leaf, and by an entry of one that has axes."""
    of, leaf = net.graph.objective, next(iter(net.parameters))
    shape = net.graph[leaf].shape
    entry = f"{leaf}[{','.join('0' for _ in shape)}]"
    sized = shape and all(isinstance(size, int) for size in shape)
    return [net.derive(of, wrt=leaf), *([net.derive(of, wrt=entry)] if sized else [])]


@every_way
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "pictures"])
def test_derivations(name: str, way: Callable[[Any], Any]) -> None:
    net = NETWORKS[name]()
    values = numbers(net)
    for derivation in derivations(net):
        before = way(derivation)
        expected = texts(derivation), derivation.evaluate(**values)
        for copied in (before, way(derivation)):
            assert texts(copied) == expected[0]
            np.testing.assert_array_equal(copied.evaluate(**values), expected[1])


@every_way
def test_second_derivatives(way: Callable[[Any], Any]) -> None:
    net = bp.example("lecture")
    hessian = net.hessian(wrt=["w11", "v11"])
    copied = way(hessian)
    np.testing.assert_array_equal(copied.evaluate(**net.values), hessian.evaluate(**net.values))
    assert texts(way(hessian["w11", "v11"])) == texts(hessian["w11", "v11"])
    assert texts(copied["w11", "v11"]) == texts(hessian["w11", "v11"])


ERRORS = [each for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, bp.BackpropsymError)]


@every_way
@pytest.mark.parametrize("kind", ERRORS)
def test_errors(kind: type[bp.BackpropsymError], way: Callable[[Any], Any]) -> None:
    """A worker's error says in the parent what it says in the worker."""
    error = kind("too large", details=["by 3"], fix="a smaller one")
    copied = way(error)
    assert (type(copied), str(copied), copied.problems) == (kind, str(error), error.problems)


def test_a_primitive_that_is_registered_nowhere() -> None:
    """Its code cannot be sent by pickle, which says so; and a name that the other process does not have is an error."""
    primitive = Primitive(scalar="", array="", real=lambda x: x, complex=lambda x: x, mpmath=lambda m, x: x)
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(primitive)
    sent = pickle.dumps(FUNCTIONS["tanh"].primitive).replace(b"tanh", b"tonh")
    with pytest.raises(bp.errors.UnknownNameError, match="no function is registered as tonh"):
        pickle.loads(sent)


def test_processes_that_are_spawned() -> None:
    """Kernels, their methods, networks and derivations as tasks of a worker that shares nothing with this process."""
    tasks: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
    for make in NETWORKS.values():
        net = make()
        kernel, values = net.compile(), numbers(net)
        kernel(**values)
        moved = {name: np.ones(np.shape(values[name])) for name in net.parameters}
        kernel.hvp(values, moved)
        tasks += [(kernel, (), values), (kernel.hvp, (values, moved), {}), (kernel.intermediates, (values,), {})]
        tasks += [(net.compile, (), {}), *((each.evaluate, (), values) for each in derivations(net))]
        if kernel.graph.nodes.keys() != NETWORKS["pictures"]().graph.nodes.keys():
            tasks += [(each.expression, (), {}) for each in derivations(net)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        answers = [pool.submit(task, *arguments, **named) for task, arguments, named in tasks]
        for (task, arguments, named), answer in zip(tasks, answers, strict=True):
            found, expected = answer.result(), task(*arguments, **named)
            if hasattr(found, "source"):
                assert found.source == expected.source
            else:
                assert_same(_flat(found), _flat(expected))


def _flat(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return [*found.values()]
    return [found[0], *found[1].values()] if isinstance(found, tuple) else [found]


RESULTS: dict[str, Callable[[bp.Network], Any]] = {
    "drawing": lambda net: net.draw(wrt="w11"),
    "wiggles": lambda net: net.wiggle(net.values),
    "trace": lambda net: net.trace(net.values),
    "report": lambda net: net.check(samples=1),
    "jacobian": lambda net: net.jacobian(wrt=["w11", "v11"]),
    "paths": lambda net: net.paths(wrt="w11"),
    "verdict": lambda net: net.verify("p11*f(u1)*z1", wrt="v11"),
    "training": lambda net: net.train(plan=Plan(rate=0.01, steps=2)),
    "slides": lambda net: net.slides(wrt="w11"),
    "handout": lambda net: net.handout(wrt="w11"),
    "page": lambda net: net.explore(),
    "analytics": lambda net: net.derive(wrt="w11").analytics(net.values),
    "terms in numbers": lambda net: list(net.derive(wrt="w11").numeric(net.values)),
    "programme": lambda net: net.derive(wrt="w11").programme(),
}
SHOWN: dict[str, Callable[[Any], Any]] = {
    "drawing": lambda drawing: drawing.svg,
    "wiggles": lambda wiggles: (wiggles.rows, wiggles.cut),
    "trace": lambda trace: repr((trace.forward, trace.backward)),
    "jacobian": lambda found: found.evaluate().tolist(),
    "paths": lambda paths: (paths.count, list(paths)),
    "training": lambda training: (training.descent.reason, training.checkpoints),
    "programme": lambda programme: repr(programme.equations),
}
"""What is compared of a result; of the others, that they arrive."""


@every_way
@pytest.mark.parametrize("name", RESULTS)
def test_results(name: str, way: Callable[[Any], Any]) -> None:
    """Whatever a network gives can be sent back by a worker."""
    found = RESULTS[name](bp.example("lecture"))
    shown = SHOWN.get(name, type)
    assert shown(way(found)) == shown(found)
