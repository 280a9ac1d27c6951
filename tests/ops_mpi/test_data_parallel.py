"""DataParallel: what each rank has in `grad` after backward, and when it was sent."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, GradientError, Tensor
from tinytorch_ops_mpi import DataParallel, RanksDisagreeError
from tinytorch_ops_mpi.averaging import Bucket, in_buckets
from tinytorch_ops_mpi.ranks import Ranks


class Model:
    """Tensors by name, as a layer has them."""

    def __init__(self, **tensors):
        vars(self).update(tensors)

    def named_parameters(self):
        return iter(vars(self).items())


def two_layers(dtype=np.float64):
    """A model whose parameters are the same on all ranks."""
    shapes = {"first": (3, 4), "offset": (4,), "second": (4, 2)}
    draw = np.random.default_rng(0).standard_normal
    arrays = {name: draw(shape).astype(dtype) for name, shape in shapes.items()}
    return Model(**{name: Tensor(array, requires_grad=True) for name, array in arrays.items()})


def loss(model, x):
    """A mean over the rows of x."""
    hidden = (Tensor(x) @ model.first + model.offset) ** 2
    return (hidden @ model.second).mean()


def gradients(model):
    return {name: np.array(p.grad) for name, p in model.named_parameters()}


def mean_gradients(everyone, batches, dtype=np.float64):
    """What the mean of the gradients of all ranks is, without any MPI."""
    of_ranks = []
    for batch in batches:
        model = two_layers(dtype)
        loss(model, batch).backward()
        of_ranks.append(gradients(model))
    return {name: np.mean([g[name] for g in of_ranks], axis=0) for name in of_ranks[0]}


def assert_close(got, expected, rtol=1e-12):
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=rtol, err_msg=name)


@pytest.fixture
def sent(monkeypatch):
    """Return a list, to which the size of each bucket is added when it is sent."""
    log = []
    begin_sum = Ranks.begin_sum

    def noted(self, x):
        log.append(x.size)
        return begin_sum(self, x)

    monkeypatch.setattr(Ranks, "begin_sum", noted)
    return log


def test_all_ranks_begin_alike(everyone):
    """Each takes over the parameters and buffers of rank 0, in the arrays that it has."""
    own, buffer = Tensor([float(everyone.rank)], requires_grad=True), Tensor([everyone.rank])

    class WithBuffer(Model):
        def named_buffers(self):
            return iter({"buffer": buffer}.items())

    array = own.data
    DataParallel(WithBuffer(own=own))
    assert own.data is array
    assert (own.tolist(), buffer.tolist()) == ([0.0], [0])


@pytest.mark.parametrize("bucket_cap_mb", [1, 1e-4, 1e-9])
def test_backward_leaves_the_mean(everyone, bucket_cap_mb):
    """Whether the gradients travel together, or each by itself."""
    batches = everyone.have((5, 3))
    model = two_layers()
    DataParallel(model, bucket_cap_mb=bucket_cap_mb)
    loss(model, batches[everyone.rank]).backward()
    assert_close(gradients(model), mean_gradients(everyone, batches))


def test_means_add_up(everyone):
    """A second backward adds its own mean to the first."""
    batches = everyone.have((5, 3))
    model = two_layers()
    DataParallel(model)
    for _ in range(2):
        loss(model, batches[everyone.rank]).backward()
    expected = mean_gradients(everyone, batches)
    assert_close(gradients(model), {name: 2 * g for name, g in expected.items()})


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 2e-3), (np.float32, 1e-5)])
def test_dtypes(everyone, dtype, rtol):
    """The mean has the dtype of its parameter."""
    batches = everyone.have((5, 3), dtype)
    model = two_layers(dtype)
    DataParallel(model)
    loss(model, batches[everyone.rank]).backward()
    got = gradients(model)
    assert {g.dtype for g in got.values()} == {np.dtype(dtype)}
    for name, expected in mean_gradients(everyone, batches, dtype).items():
        np.testing.assert_allclose(got[name], expected, rtol, rtol * abs(expected).max())


def test_a_bucket_is_sent_while_backward_runs(sent):
    """As soon as its gradients are complete, before the rules of earlier operations run."""

    class Noted(Function):
        def forward(self, x):
            return x * 1.0

        def apply(self, grad_output):
            sent.append("rule")
            return grad_output

    first, second = (Tensor(np.ones(n), requires_grad=True) for n in (2, 3))
    DataParallel(Model(first=first, second=second), bucket_cap_mb=1e-9)
    (Noted.call(first * 2).sum() * second).sum().backward()
    assert sent == [3, "rule", 2]


def test_buckets_are_sent_in_one_order(sent):
    """Also where a later one is filled first: it waits, so that no rank sends another one."""
    first, second = (Tensor(np.ones(n), requires_grad=True) for n in (2, 3))
    DataParallel(Model(first=first, second=second), bucket_cap_mb=1e-9)
    ((second * 2).sum() * first).sum().backward()
    assert sent == [3, 2]
    assert second.grad.tolist() == [4.0] * 3


def test_a_parameter_that_nobody_uses(everyone):
    """Its gradient stays None, and the others have their means."""
    used, unused = (Tensor([2.0], requires_grad=True) for _ in range(2))
    DataParallel(Model(used=used, unused=unused))
    (used * (everyone.rank + 1.0)).backward()
    assert unused.grad is None
    assert used.grad.tolist() == [(everyone.size + 1) / 2]


def test_a_frozen_parameter():
    """It is shared at first, and has no gradient."""
    frozen, learnt = Tensor([2.0]), Tensor([3.0], requires_grad=True)
    DataParallel(Model(frozen=frozen, learnt=learnt))
    (frozen * learnt).backward()
    assert frozen.grad is None
    assert learnt.grad.tolist() == [2.0]


def test_grad_is_of_this_rank(everyone):
    """tinytorch.grad gives the gradients that this rank computes, and sends nothing."""
    x = Tensor([2.0], requires_grad=True)
    DataParallel(Model(x=x))
    if everyone.rank == 0:  # the others need not call it
        (slope,) = tinytorch.grad(x * 5.0, x)
        assert slope.tolist() == [5.0]
    (x * (everyone.rank + 1.0)).backward()
    assert x.grad.tolist() == [(everyone.size + 1) / 2]


def test_gradients_with_graphs(everyone):
    """With create_graph the mean can be differentiated, by what all ranks have done."""
    x = Tensor([3.0], requires_grad=True)
    DataParallel(Model(x=x))
    for _ in range(2):
        x.grad = None
        (x**3 * (everyone.rank + 1.0)).sum().backward(create_graph=True)
    mean = (everyone.size + 1) / 2
    assert x.grad.tolist() == pytest.approx([27.0 * mean])
    (second,) = tinytorch.grad(x.grad, x)
    assert second.tolist() == pytest.approx([18.0 * (everyone.rank + 1)])
    x.grad = None


def test_backward_after_one_that_failed(everyone):
    """What was sent in it is waited for; no gradient has changed, and the next one is right."""

    class Fails(Function):
        def forward(self, x):
            return x * 1.0

        def apply(self, grad_output):
            raise ZeroDivisionError("after a bucket was sent")

    batches = everyone.have((5, 3))
    model = two_layers()
    DataParallel(model, bucket_cap_mb=1e-9)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            (Fails.call(model.first.sum() + model.offset.sum()) * model.second).sum().backward()
    assert model.second.grad is None
    loss(model, batches[everyone.rank]).backward()
    assert_close(gradients(model), mean_gradients(everyone, batches))


def test_a_backward_inside_of_another():
    """It would mix up the means of both, so it is refused."""
    x = Tensor([2.0], requires_grad=True)
    DataParallel(Model(x=x))

    def again(gradient):
        with tinytorch.enable_grad():
            (x * 5).backward()

    x.register_hook(again)
    with pytest.raises(GradientError, match=r"a backward inside of another .* parameter x"):
        (x * 3).backward()


def test_remove(everyone):
    """The gradients are those of this rank then, as they were before."""
    x = Tensor([2.0], requires_grad=True)
    parallel = DataParallel(Model(x=x))
    for _ in range(2):
        parallel.remove()
    (x * (everyone.rank + 1.0)).backward()
    assert x.grad.tolist() == [everyone.rank + 1]


def test_a_model_with_a_list_of_parameters(everyone):
    """As the course's layers have."""

    class Layer:
        def __init__(self):
            self.weight = Tensor([float(everyone.rank + 1)], requires_grad=True)

        def parameters(self):
            return [self.weight]

    layer = Layer()
    DataParallel(layer)
    (layer.weight * everyone.rank).backward()
    assert layer.weight.tolist() == [1.0]
    assert layer.weight.grad.tolist() == [(everyone.size - 1) / 2]


@pytest.mark.parametrize(
    ("model", "options", "error", "match"),
    [
        (Model(), {}, ValueError, "should have parameters"),
        ([Tensor([1.0])], {}, TypeError, r"named_parameters\(\) or parameters\(\)"),
        (Model(x=Tensor([1.0])), {"bucket_cap_mb": 0}, ValueError, "above 0, but it is 0"),
    ],
)
def test_what_is_refused(model, options, error, match):
    """A model without parameters, what is no model, and buckets that hold nothing."""
    with pytest.raises(error, match=f"DataParallel: .*{match}"):
        DataParallel(model, **options)


def test_buckets():
    """Each has gradients of one dtype, as many as go into its size, and one at least."""
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    given = {"a": (single, (100,)), "b": (single, (2, 3)), "c": (single, ()), "d": (double, (3,))}
    assert in_buckets(given, cap=28) == [
        Bucket(single, {"a": (100,)}),
        Bucket(single, {"b": (2, 3), "c": ()}),
        Bucket(double, {"d": (3,)}),
    ]


def test_the_error_is_a_value_error():
    """As the kit expects of what callers did wrong."""
    assert issubclass(RanksDisagreeError, ValueError)
