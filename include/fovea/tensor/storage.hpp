// Memory for numbers: 64-byte aligned and uninitialised. It grows on demand and never shrinks.
#pragma once
#include <cstddef>
#include <new>
#include <utility>

namespace fovea {

// Owns a block of memory. It can be moved and not copied.
class storage {
  public:
    static constexpr std::size_t alignment = 64;

    storage() = default;
    explicit storage(std::size_t bytes) { reserve(bytes); }
    storage(storage&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    storage& operator=(storage&& other) noexcept {
        std::swap(data_, other.data_), std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~storage() { clear(); }

    // Makes room for at least this many bytes. The contents are lost if the storage grows.
    void reserve(std::size_t bytes) {
        if (bytes <= bytes_) return;
        clear();
        data_ = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{alignment}));
        bytes_ = bytes;
    }
    // Frees the memory.
    void clear() {
        if (data_) ::operator delete (data_, std::align_val_t{alignment});
        data_ = nullptr, bytes_ = 0;
    }
    // The memory and its size; null and 0 if there is none.
    std::byte* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }
    template <class T> T* as() const { return reinterpret_cast<T*>(data_); }

  private:
    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

} // namespace fovea
