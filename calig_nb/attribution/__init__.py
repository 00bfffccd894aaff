"""The methods, one file each: from a model, a batch and a target to evidence with its error."""

from .attention_rollout import roll_attention
from .ca_lig import integrate_layers
from .conductance import integrate_conductance
from .conservative import propagate_relevance
from .evidence import Evidence, MethodFunction
from .gradient_x_input import multiply_gradients
from .occlusion import occlude_tokens
from .request import Request, Target

METHOD_FUNCTIONS: dict[str, MethodFunction] = {
    "ca-lig": integrate_layers,
    "conductance": integrate_conductance,
    "layer-ig": integrate_layers,
    "ig": integrate_layers,
    "gradient-x-input": multiply_gradients,
    "attention": roll_attention,
    "attention-rollout": roll_attention,
    "gradient-rollout": roll_attention,
    "gradient-rollout-rows": roll_attention,
    "conservative": propagate_relevance,
    "attn-lrp": propagate_relevance,
    "occlusion": occlude_tokens,
}
"""By the method's name, as in :data:`calig_nb.explanation.methods.METHODS`."""

__all__ = ["METHOD_FUNCTIONS", "Evidence", "Request", "Target"]
