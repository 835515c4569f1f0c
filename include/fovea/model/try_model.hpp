// A network type with weights that may not fit it, as a value and not as an exception:
//
//     auto net = fovea::try_model<network, fovea::cpu>(*weights);
//
// Needs nothing beside the headers, with exceptions or without. What is wrong with the options and not with the weights
// ends a program without exceptions, as everywhere.
#pragma once
#include "fovea/core/expected.hpp"
#include "fovea/model/load.hpp"
#include "fovea/model/model.hpp"

namespace fovea {

template <layer Network, class Backend, class Mode = inference>
expected<model<Network, Backend, Mode>> try_model(const tensor_file& weights, const model_options& o = {}) {
    using made = model<Network, Backend, Mode>;
#if FOVEA_EXCEPTIONS
    return expected_of([&] { return made(weights, o); });
#else
    const graph g = detail::trace_network<Network, Backend, Mode>(o.depth, o.convolution);
    if (std::string problem = problem_of_weights(g, weights); !problem.empty()) return failed{std::move(problem)};
    return made(weights, o);
#endif
}

} // namespace fovea
