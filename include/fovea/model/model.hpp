// A network type on a backend, with weights: model<network, cpu>{read_weights("net.safetensors")}.
#pragma once
#include "fovea/layers/layer.hpp"
#include "fovea/model/upscaler.hpp"

namespace fovea {

namespace detail {
template <class Network, class Backend, class Mode>
graph trace_network(const depths& d, convolution_method method = convolution_method::automatic) {
    tracer<Mode, Backend> t;
    t.depth = d;
    t.method = method;
    Network::trace(t, value<Network::in_channels>{t.add_tensor(Network::in_channels, ratio{})});
    return graph(std::move(t));
}
} // namespace detail

// Weight normalisation is folded and weights are packed while it is made; an unfolded model cannot exist.
// Mode inference_in_parts keeps fused blocks apart, so that every named layer's result can be looked at.
template <layer Network, class Backend, class Mode = inference> class model : public upscaler {
  public:
    explicit model(const tensor_file& weights, const model_options& o = {})
        : upscaler(detail::trace_network<Network, Backend, Mode>(o.depth, o.convolution), weights, o,
                   engine_maker_of<Backend>()) {}
};

} // namespace fovea
