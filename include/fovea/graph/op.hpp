// What stands for an operation's type once a network is traced: its identity, and the kernels of the backend that it
// was traced for. Each is one constant object; graphs hold references to them.
#pragma once
#include <string_view>

#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

// The identity of an operation type, whatever the backend: compared by address (operation::is).
struct op_identity {
    std::string_view name; // such as "conv2d"
};

namespace detail {

template <class Call> std::size_t no_scratch(const Call&) { return 0; }
inline void do_nothing(const gradient_call&) {}
template <bool Answer> bool answer() { return Answer; }

} // namespace detail

// The kernels of an operation type on one backend. A function that a backend leaves out is here, too: it does nothing,
// needs no scratch memory, or allows everything.
struct op_kernels {
    kernel forward;
    bool takes_scratch = false; // scratch() may be more than 0, and likewise for input_scratch()
    scratch_size scratch = detail::no_scratch<call>;
    bool (*runs_here)() = detail::answer<true>; // whether this machine can run it

    // For training.
    bool gives_weight_gradient = false; // weights() does something
    gradient_kernel input = detail::do_nothing, weights = detail::do_nothing;
    gradient_kernel statistics_before = detail::do_nothing, statistics_back = detail::do_nothing;
    bool input_takes_scratch = false;
    gradient_scratch input_scratch = detail::no_scratch<gradient_call>;
    gradient_scratch weights_scratch = detail::no_scratch<gradient_call>;
};

// How weights are made from weights. derivation: a weight of the network's own, in the layout of weight files, such as
// a folded weight normalisation; it is differentiated. packing: a backend's layout of weights, whose gradients bypass
// it.
enum class preparation_kind { derivation, packing };

// The functions that make weights from weights.
struct preparation_kernels {
    preparation_kind kind = preparation_kind::packing;
    preparation_kernel forward;
    preparation_size bytes = nullptr;        // bytes of the result; for packing only, a derivation gives plain numbers
    preparation_gradient backward = nullptr; // for derivations in a network that is trained only
};

// What a backend can do whatever the operation.
struct backend_traits {
    bool converts_16_bits = false; // widen and narrow are there
    widening widen = nullptr;
    narrowing narrow = nullptr;
    // This machine multiplies in half precision: its kernels take attributes::halves.
    bool (*multiplies_halves)() = detail::answer<false>;
};

namespace detail {

// "my_op" of a type my_namespace::my_op<...>.
template <class Op> constexpr std::string_view type_name() {
#if defined(__GNUC__) || defined(__clang__)
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("Op = ") + 5);
    text = text.substr(0, text.find_first_of("<;]"));
    return text.substr(text.find_last_of(':') + 1);
#else
    return "operation";
#endif
}
template <class Op> inline constexpr op_identity identity_of{type_name<Op>()};

} // namespace detail

} // namespace fovea
