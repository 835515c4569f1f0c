// A TIFF file in memory, opened by libtiff (FOVEA_WITH_LIBTIFF). Errors of libtiff are kept here and warnings are
// dropped; nothing is printed to standard error.
#pragma once
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

#include "fovea/core/error.hpp"
#include "fovea/image/metadata.hpp"

namespace fovea::detail {

class tiff_session {
  public:
    // Opens the bytes for reading; they must outlive the session.
    explicit tiff_session(std::span<const std::byte> bytes) : input_(bytes) { open("rm"); }
    // Opens a little-endian file in memory for writing; big: with 64-bit offsets (BigTIFF).
    explicit tiff_session(bool big) { open(big ? "wl8" : "wl"); }
    ~tiff_session() { close(); }
    tiff_session(const tiff_session&) = delete;
    tiff_session& operator=(const tiff_session&) = delete;

    TIFF* get() const { return tiff_; }
    explicit operator bool() const { return tiff_ != nullptr; }
    const std::string& message() const { return message_; } // the first error
    void close() {
        if (tiff_) TIFFClose(tiff_);
        tiff_ = nullptr;
    }
    byte_block& output() { return output_; }

    // Returns the value of a tag with one number, or `other` if the file does not have it.
    template <class T> T value(std::uint32_t tag, T other = {}) const {
        T found{};
        return TIFFGetFieldDefaulted(tiff_, tag, &found) ? found : other;
    }

  private:
    static tiff_session& of(thandle_t handle) { return *static_cast<tiff_session*>(handle); }
    std::size_t size() const { return input_.data() ? input_.size() : output_.size(); }

    static tmsize_t read(thandle_t handle, void* to, tmsize_t count) {
        tiff_session& self = of(handle);
        const std::byte* from = self.input_.data() ? self.input_.data() : self.output_.data();
        const std::size_t left = self.at_ < self.size() ? self.size() - self.at_ : 0;
        const std::size_t taken = std::min(left, std::size_t(std::max<tmsize_t>(count, 0)));
        if (taken > 0) std::memcpy(to, from + self.at_, taken);
        self.at_ += taken;
        return tmsize_t(taken);
    }
    static tmsize_t write(thandle_t handle, void* from, tmsize_t count) {
        tiff_session& self = of(handle);
        if (self.input_.data() || count < 0) return 0;
        const std::size_t end = self.at_ + std::size_t(count);
        if (end > self.output_.size() && !reason_of_failure([&] { self.output_.resize(end); }).empty())
            return 0; // an exception must not pass through libtiff, which is C
        std::memcpy(self.output_.data() + self.at_, from, std::size_t(count));
        self.at_ = end;
        return count;
    }
    static toff_t seek(thandle_t handle, toff_t to, int whence) {
        tiff_session& self = of(handle);
        self.at_ = std::size_t(to) + (whence == SEEK_CUR ? self.at_ : whence == SEEK_END ? self.size() : 0);
        return self.at_;
    }
    static int close_nothing(thandle_t) { return 0; }
    static toff_t size_of_file(thandle_t handle) { return of(handle).size(); }

    void open(const char* mode) {
#if TIFFLIB_VERSION >= 20221213 // 4.5 and later have handlers for each file
        TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
        TIFFOpenOptionsSetErrorHandlerExtR(options, &on_error, this);
        TIFFOpenOptionsSetWarningHandlerExtR(options, &on_warning, this);
        tiff_ = TIFFClientOpenExt("", mode, this, &read, &write, &seek, &close_nothing, &size_of_file, nullptr, nullptr,
                                  options);
        TIFFOpenOptionsFree(options);
#else
        TIFFSetErrorHandler(nullptr);
        TIFFSetWarningHandler(nullptr);
        tiff_ = TIFFClientOpen("", mode, this, &read, &write, &seek, &close_nothing, &size_of_file, nullptr, nullptr);
#endif
    }
#if TIFFLIB_VERSION >= 20221213
    static int on_error(TIFF*, void* self, const char*, const char* format, va_list values) {
        std::string& message = static_cast<tiff_session*>(self)->message_;
        char text[256];
        std::vsnprintf(text, sizeof text, format, values);
        if (message.empty()) message = text;
        std::ranges::replace(message, '\n', ' ');
        return 1;
    }
    static int on_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }
#endif

    std::span<const std::byte> input_;
    byte_block output_;
    std::size_t at_ = 0;
    std::string message_;
    TIFF* tiff_ = nullptr;
};

} // namespace fovea::detail
