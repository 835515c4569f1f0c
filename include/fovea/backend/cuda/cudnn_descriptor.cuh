// cuDNN's graph API through its C interface: attributes of a descriptor are set, the descriptor is finalised, and
// others refer to it.
//
// NVIDIA's cudnn_frontend is not used, because fovea needs only one kind of graph and users should not need another
// dependency.
#pragma once
#include <cudnn.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"

namespace fovea {

namespace detail {

inline std::string cudnn_reason(cudnnStatus_t said) {
    char more[256] = "";
    cudnnGetLastErrorString(more, sizeof more);
    return text_of(cudnnGetErrorString(said), *more ? ": " : "", static_cast<const char*>(more));
}
inline void check_cudnn(cudnnStatus_t said, const char* doing) {
    if (said != CUDNN_STATUS_SUCCESS) fail("cuDNN: ", doing, ": ", cudnn_reason(said));
}

inline std::string cudnn_version_text(int v) { return text_of(v / 10000, '.', v / 100 % 100, '.', v % 100); }

// Throws unless this build can use the installed library.
inline void check_cudnn_version() {
    const auto found = int(cudnnGetVersion()), least = 90800; // 9.8: first version with descriptions of devices
    if (found < least || found / 10000 != CUDNN_MAJOR)
        fail("cuDNN ", cudnn_version_text(found), " was found: expected ", cudnn_version_text(CUDNN_VERSION),
             ", which this build was made with, or ", cudnn_version_text(least), " or later of the same major version");
}

} // namespace detail

template <class T> inline constexpr cudnnBackendAttributeType_t cudnn_type_of = CUDNN_TYPE_BACKEND_DESCRIPTOR;
template <> inline constexpr auto cudnn_type_of<std::int64_t> = CUDNN_TYPE_INT64;
template <> inline constexpr auto cudnn_type_of<float> = CUDNN_TYPE_FLOAT;
template <> inline constexpr auto cudnn_type_of<double> = CUDNN_TYPE_DOUBLE;
template <> inline constexpr auto cudnn_type_of<bool> = CUDNN_TYPE_BOOLEAN;
template <> inline constexpr auto cudnn_type_of<char> = CUDNN_TYPE_CHAR;
template <> inline constexpr auto cudnn_type_of<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <> inline constexpr auto cudnn_type_of<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <> inline constexpr auto cudnn_type_of<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <> inline constexpr auto cudnn_type_of<cudnnPointwiseMode_t> = CUDNN_TYPE_POINTWISE_MODE;
template <> inline constexpr auto cudnn_type_of<cudnnReduceTensorOp_t> = CUDNN_TYPE_REDUCTION_OPERATOR_TYPE;
template <> inline constexpr auto cudnn_type_of<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <> inline constexpr auto cudnn_type_of<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;

class cudnn_descriptor {
  public:
    explicit cudnn_descriptor(cudnnBackendDescriptorType_t type) {
        detail::check_cudnn(cudnnBackendCreateDescriptor(type, &raw_), "making a descriptor");
    }
    cudnn_descriptor(cudnn_descriptor&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    cudnn_descriptor& operator=(cudnn_descriptor&& other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~cudnn_descriptor() {
        if (raw_) cudnnBackendDestroyDescriptor(raw_);
    }

    cudnnBackendDescriptor_t raw() const { return raw_; }

    template <class T> cudnnStatus_t try_set(cudnnBackendAttributeName_t name, const T* values, std::size_t count) {
        return cudnnBackendSetAttribute(raw_, name, cudnn_type_of<T>, std::int64_t(count), values);
    }
    template <class T> cudnn_descriptor& set(cudnnBackendAttributeName_t name, const T* values, std::size_t count) {
        detail::check_cudnn(try_set(name, values, count), "an attribute of a graph");
        return *this;
    }
    // Sets pointers to data; descriptors themselves are void* too.
    cudnn_descriptor& set_pointers(cudnnBackendAttributeName_t name, const std::vector<void*>& pointers) {
        detail::check_cudnn(
            cudnnBackendSetAttribute(raw_, name, CUDNN_TYPE_VOID_PTR, std::int64_t(pointers.size()), pointers.data()),
            "the pointers of a graph");
        return *this;
    }
    template <class T> cudnn_descriptor& set(cudnnBackendAttributeName_t name, const T& value) {
        return set(name, &value, 1);
    }
    template <class T> cudnn_descriptor& set(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
        return set(name, values.data(), values.size());
    }
    cudnn_descriptor& set(cudnnBackendAttributeName_t name, const cudnn_descriptor& other) {
        return set(name, &other.raw_, 1);
    }

    cudnn_descriptor finished() && {
        detail::check_cudnn(try_finish(), "finishing a graph's descriptor");
        return std::move(*this);
    }
    cudnnStatus_t try_finish() { return cudnnBackendFinalize(raw_); }

    // Returns at most `most` values; 0: all.
    template <class T>
    std::vector<T> values(cudnnBackendAttributeName_t name, std::int64_t most, const char* doing) const {
        const auto get = [&](std::vector<T>& to) {
            std::int64_t count = 0;
            detail::check_cudnn(cudnnBackendGetAttribute(raw_, name, cudnn_type_of<T>, std::int64_t(to.size()), &count,
                                                         to.empty() ? nullptr : to.data()),
                                doing);
            return std::size_t(count);
        };
        std::vector<T> all;
        all.resize(most ? std::size_t(most) : get(all));
        if (!all.empty()) all.resize(get(all));
        return all;
    }
    std::vector<cudnn_descriptor> descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                              const char* doing) const {
        const auto get = [&](std::vector<cudnnBackendDescriptor_t>& to) {
            std::int64_t count = 0;
            detail::check_cudnn(
                cudnnBackendGetAttribute(raw_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, std::int64_t(to.size()), &count,
                                         to.empty() ? nullptr : to.data()),
                doing);
            return count;
        };
        std::vector<cudnn_descriptor> all;
        std::vector<cudnnBackendDescriptor_t> raw;
        for (std::int64_t i = get(raw); i > 0; --i) all.emplace_back(type);
        for (auto& d : all) raw.push_back(d.raw());
        if (!all.empty()) all.erase(all.begin() + get(raw), all.end());
        return all;
    }

  private:
    cudnnBackendDescriptor_t raw_ = nullptr;
};

} // namespace fovea
