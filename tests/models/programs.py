"""The equations of a traced program, those of its loops and branches included."""

from jax.extend.core import ClosedJaxpr, Jaxpr


def equations(jaxpr):
    """Yield every equation of a jaxpr and of the jaxprs inside it."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else [value]:
                inner = inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner
                if isinstance(inner, Jaxpr):
                    yield from equations(inner)


def products(jaxpr):
    """Return the matrix products of a program: `dot_general` that sums over something."""
    found = (equation for equation in equations(jaxpr) if equation.primitive.name == "dot_general")
    return [equation for equation in found if equation.params["dimension_numbers"][0][0]]
