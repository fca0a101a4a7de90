"""Objects from files and from the bundled digits, brought into the shapes of networks."""

from pathlib import Path

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import ValuesError
from backpropsym.learn.data import FOLDER, given_data, read_data

FLAT = bp.parse("x[64] -> dense(10) -> cross_entropy").graph
IMAGE = bp.parse("x[1,8,8] -> conv2d(2, 3) -> flatten -> dense(10) -> cross_entropy").graph
VECTOR = bp.parse("x[64] -> dense(10) -> mse").graph
SMALL = bp.parse("x[2] -> dense(1) -> mse").graph


def test_digits_take_the_shape_of_the_network() -> None:
    flat, image = read_data(FLAT, "digits"), read_data(IMAGE, "digits")
    assert flat.train["x"].shape == (1438, 64)
    assert image.test["x"].shape == (359, 1, 8, 8)
    assert np.array_equal(flat.train["x"].ravel(), image.train["x"].ravel())
    assert (flat.train["x"].min(), flat.train["x"].max(), flat.train["x"].dtype) == (0.0, 1.0, np.float32)
    assert set(flat.test["y"]) == set(range(10))


def test_classes_become_probabilities_where_the_target_is_a_vector() -> None:
    found, classes = read_data(VECTOR, "digits").train["y"], read_data(FLAT, "digits").train["y"]
    assert found.shape == (1438, 10)
    assert np.array_equal(found.argmax(axis=1), classes)
    assert np.all(found.sum(axis=1) == 1.0)


def test_mnist_is_read_from_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = bp.parse("x[784] -> dense(10) -> cross_entropy").graph
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValuesError, match=r"there is no mnist\.npz here"):
        read_data(net, "mnist")
    folder = tmp_path / "sets"
    folder.mkdir()
    pixels = np.full((5, 28, 28), 255, np.uint8)
    arrays = {
        f"{name}_{part}": array
        for part in ("train", "test")
        for name, array in (("x", pixels), ("y", pixels[:, 0, 0] // 60))
    }
    np.savez(folder / "mnist.npz", **arrays)
    monkeypatch.setenv(FOLDER, str(folder))
    found = read_data(net, "mnist")
    assert found.train["x"].shape == (5, 784)
    assert np.all(found.test["x"] == 1.0)


def test_a_file_names_what_is_trained_on_and_what_is_tested(tmp_path: Path) -> None:
    path = tmp_path / "points.npz"
    x = np.arange(6.0).reshape(3, 2)
    np.savez(path, x=x, y=x[:, :1], x_test=x[:2], y_test=x[:2, 0])
    found = read_data(SMALL, str(path))
    assert np.array_equal(found.train["x"], x)
    assert found.test["y"].shape == (2, 1)
    text = tmp_path / "points.toml"
    text.write_text("x = [[1.0, 2.0], [3.0, 4.0]]\ny = [1.0, 2.0]\n")
    assert read_data(SMALL, str(text)).train["y"].shape == (2, 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((3, 2)), "y": np.ones((2, 1))}, "the numbers of objects differ"),
        ({"x": np.ones((0, 2)), "y": np.ones((0, 1))}, "the numbers of objects differ or are zero"),
        ({"x": np.ones((3, 3)), "y": np.ones((3, 1))}, r"x of .* has objects of shape \(3,\)"),
        ({"x": np.full((3, 2), np.nan), "y": np.ones((3, 1))}, r"x of .* has nan at 0, 0"),
        ({"x": np.ones((3, 2)), "y": np.ones((3, 1)), "x_test": np.ones((1, 2))}, "the test has other names"),
        ({"x": np.float64(1.0), "y": np.ones((3, 1))}, "x of .* is a single number"),
        ({"x": np.full((3, 2), "a"), "y": np.ones((3, 1))}, "x of .* is no array of real numbers"),
        ({"x": np.ones((3, 2)), "x_train": np.ones((3, 2)), "y": np.ones((3, 1))}, "has both x and x_train"),
        ({"x": np.ones((3, 2)), "z": np.ones(3)}, "an array z, which is no input or target"),
    ],
)
def test_what_does_not_fit_is_named(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(ValuesError, match=message):
        read_data(SMALL, str(tmp_path / "wrong.npz"))


def test_classes_outside_the_vector_are_refused() -> None:
    with pytest.raises(ValuesError, match="y of the data"):
        given_data(VECTOR, {"x": np.ones((2, 64)), "y": np.array([0, 10])})


def test_rows_with_one_1_are_classes_where_the_target_is_a_class() -> None:
    found = given_data(FLAT, {"x": np.ones((3, 64)), "y": np.eye(10)[[7, 0, 3]]})
    assert list(found.train["y"]) == [7, 0, 3]


def test_only_pictures_in_bytes_are_divided() -> None:
    numbers = np.array([[3], [200]], np.uint8)
    plain = given_data(bp.parse("x[1] -> dense(1) -> mse").graph, {"x": numbers, "y": numbers})
    assert np.array_equal(plain.train["x"], numbers)
    picture = given_data(
        bp.parse("x[1,2,2] -> flatten -> dense(1) -> mse").graph, {"x": np.full((1, 2, 2), 255, np.uint8)}
    )
    assert np.all(picture.train["x"] == 1.0)


def test_a_name_that_the_network_does_not_have_is_told() -> None:
    with pytest.raises(ValuesError, match="the data hold q, which is no input or target"):
        given_data(SMALL, {"x": np.ones((3, 2)), "q": np.ones(3)})


def test_digits_need_one_input_and_one_target() -> None:
    with pytest.raises(ValuesError, match="one input and one target"):
        read_data(bp.example("lecture").graph, "digits")
