// The contract of backward kernels; ops/kernel.hpp has that of forward ones.
//
//   input_gradient(Backend, Operation, const gradient_call&)    dx of the pixels images x rows x cols of x[0]'s image,
//                                                               from dy: overwritten, or added to where
//                                                               `accumulates` says so; of x[1], which is read at the
//                                                               output's own pixel, the same pixels
//   weight_gradient(Backend, Operation, const gradient_call&)   dw from the rows `rows` of dy, all columns, and of w[0]
//                                                               the output channels `outputs`: always added
//   batch_statistics(Backend, Operation, const gradient_call&)  what an operation finds out of a whole batch before its
//                                                               forward pass, of the channels `outputs`
//   gradient_statistics(Backend, Operation, const gradient_call&)   the same before weight_gradient and input_gradient
//
// Weights are those of the file's layout; in batch_statistics dw[k] of a buffer is the buffer itself, to be updated, or
// null. A kernel runs on one thread; the result of a number depends on neither the
// rectangle nor the thread. Windows hold the whole image; dy has zeros in its margin columns, x those that the forward
// pass had. Data of a window is null where it is neither kept (operation::saved) nor wanted.
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
    void* statistics = nullptr;     // of the batch: as many numbers as the operation asked for
    weight_shape dims{};            // of w[0]
    std::byte* scratch = nullptr;   // private to this call, 64-byte aligned
    void* queue = nullptr;          // of a device, as in call

    template <class T> const T* weight(int i) const { return static_cast<const T*>(w[std::size_t(i)]); }
    template <class T> T* weight_gradient(int i) const { return static_cast<T*>(dw[std::size_t(i)]); }
};
using gradient_kernel = void (*)(const gradient_call&);
using gradient_scratch = std::size_t (*)(const gradient_call&); // bytes; data may be null

// dx[k] at pixel (n, y, x): f(channel) is the gradient of a channel.
template <class T, class F> void put_gradient(const gradient_call& c, int k, int n, int y, int x, F f) {
    const window& to = c.dx[std::size_t(k)];
    T* dx = to.at<T>(n, y, x); // (C)
    for (int i = 0; i < to.channels; ++i) dx[i] = f(i) + (c.accumulates[std::size_t(k)] ? dx[i] : T(0));
}

// Weights from weights: gradients of the weights it was made of, added.
struct preparation_gradient_call {
    preparation_call forward;
    const void* dout = nullptr;
    std::array<void*, max_weights> dw{};
};
using preparation_gradient = void (*)(const preparation_gradient_call&);

} // namespace fovea
