// The contract of backward kernels. ops/kernel.hpp has that of forward kernels.
//
//   input_gradient(Backend, Operation, const gradient_call&)
//       dx[0] from dy, for the pixels images x rows x cols of x[0]'s image, and dx[1] for the same pixels (the second
//       input is read at the output's own pixel). Overwrites dx[k], or adds to it where accumulates[k] is set.
//   weight_gradient(Backend, Operation, const gradient_call&)
//       dw from the rows `rows` of dy, all columns; for w[0] only the output channels `outputs`. Always adds to dw.
//   batch_statistics(Backend, Operation, const gradient_call&)
//       What an operation must know of the whole batch before its forward pass, for the channels `outputs`.
//   gradient_statistics(Backend, Operation, const gradient_call&)
//       The same before weight_gradient and input_gradient.
//
// Weights have the layout of the weight file. In batch_statistics dw[k] of a buffer (such as a running mean) is the
// buffer itself, to be updated, or null.
// A kernel runs on one thread. The result of a number depends neither on the rectangle of the call nor on the thread.
// Windows hold the whole image. The margin columns of dy are zeros, those of x are as the forward pass had them. The
// data of a window is null if it is neither saved for the backward pass (operation::saved) nor wanted.
#pragma once
#include "fovea/ops/kernel.hpp"

namespace fovea {

struct gradient_call {
    attributes a;
    range images, rows, cols, outputs;
    std::array<window, max_inputs> x{};
    window y, dy;
    std::array<window, max_inputs> dx{};
    std::array<bool, max_inputs> accumulates{};
    std::array<const void*, max_weights> w{};
    std::array<void*, max_weights> dw{};
    const void* arranged = nullptr; // w[0] as the backend arranged it for input_gradient
    void* statistics = nullptr;     // numbers about the batch, as many as differentiation::statistics asks for
    weight_shape dims{};            // shape of w[0]
    std::byte* scratch = nullptr;   // private to this call, 64-byte aligned
    void* queue = nullptr;          // the device's queue, as in call

    // Weight i, and the gradient to which its own is added.
    template <class T> const T* weight(int i) const { return static_cast<const T*>(w[std::size_t(i)]); }
    template <class T> T* weight_gradient(int i) const { return static_cast<T*>(dw[std::size_t(i)]); }
};
// A backward kernel.
using gradient_kernel = void (*)(const gradient_call&);
using gradient_scratch = std::size_t (*)(const gradient_call&); // bytes; data may be null

// Sets dx[k] at pixel (n, y, x) to f(channel), or adds f(channel) to it where the call accumulates.
template <class T, class F> void put_gradient(const gradient_call& c, int k, int n, int y, int x, F f) {
    const window& to = c.dx[std::size_t(k)];
    T* dx = to.at<T>(n, y, x); // (C)
    for (int i = 0; i < to.channels; ++i) dx[i] = f(i) + (c.accumulates[std::size_t(k)] ? dx[i] : T(0));
}

// Backward pass of a preparation that makes weights from weights: adds to dw the gradients of the weights that it read;
// `dout` is the gradient of its result.
struct preparation_gradient_call {
    preparation_call forward;
    const void* dout = nullptr;
    std::array<void*, max_weights> dw{};
};
using preparation_gradient = void (*)(const preparation_gradient_call&);

} // namespace fovea
