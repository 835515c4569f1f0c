// Reads GIF (87a and 89a) by giflib (FOVEA_WITH_GIFLIB): the first frame, placed on a transparent canvas and cropped to
// it. Truncated frame data are an error.
#pragma once
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "fovea/image/format.hpp"
#include "fovea/io/image/codec.hpp"

namespace fovea::detail {

class gif_session {
  public:
    explicit gif_session(const encoded_image& in) : in_(in), unread_(in.bytes) {
        int code = 0;
        gif_ = DGifOpen(this, &read, &code);
        if (!gif_) damaged(code);
    }
    ~gif_session() {
        int ignored = 0;
        if (gif_) DGifCloseFile(gif_, &ignored);
    }
    gif_session(const gif_session&) = delete;
    gif_session& operator=(const gif_session&) = delete;

    GifFileType* get() const { return gif_; }
    // Throws giflib's reason if the status is an error.
    void check(int status) const {
        if (status == GIF_ERROR) damaged(gif_->Error);
    }
    [[noreturn]] void damaged(int code) const {
        const char* reason = code == D_GIF_ERR_READ_FAILED ? "the file ends early" : GifErrorString(code);
        fail(in_.name, ": damaged GIF: ", reason ? reason : "its pixels end early");
    }

  private:
    static int read(GifFileType* gif, GifByteType* to, int size) {
        auto& self = *static_cast<gif_session*>(gif->UserData);
        const std::size_t taken = std::min(self.unread_.size(), std::size_t(std::max(size, 0)));
        if (taken > 0) std::memcpy(to, self.unread_.data(), taken);
        self.unread_ = self.unread_.subspan(taken);
        return int(taken);
    }

    const encoded_image& in_;
    std::span<const std::byte> unread_;
    GifFileType* gif_ = nullptr;
};

// Reads an extension. A graphic control (0xf9) sets the index of the transparent colour, or -1.
inline void read_gif_extension(const gif_session& file, int& transparent) {
    int kind = 0;
    GifByteType* block = nullptr; // its length, then its bytes
    file.check(DGifGetExtension(file.get(), &kind, &block));
    if (kind == GRAPHICS_EXT_FUNC_CODE && block && block[0] == 4) transparent = block[1] & 1 ? block[4] : -1;
    while (block) file.check(DGifGetExtensionNext(file.get(), &block));
}

// Draws the frame whose descriptor has been read onto the canvas (H,W,4).
inline void read_gif_frame(const encoded_image& in, const gif_session& file, int transparent, image& canvas) {
    const GifImageDesc& frame = file.get()->Image;
    check_claimed_size(in, frame.Width, frame.Height);
    const ColorMapObject* colours = frame.ColorMap ? frame.ColorMap : file.get()->SColorMap;
    std::vector<GifPixelType> row(static_cast<std::size_t>(frame.Width));
    const auto read_row = [&](int y) {
        file.check(DGifGetLine(file.get(), row.data(), frame.Width));
        for (int x = 0; x < frame.Width && frame.Left + x < canvas.width() && frame.Top + y < canvas.height(); ++x) {
            const int index = row[std::size_t(x)];
            if (index == transparent) continue;
            const auto pixel = canvas.row<std::uint8_t>(frame.Top + y).subspan(4 * std::size_t(frame.Left + x), 4);
            const bool known = colours && index < colours->ColorCount;
            const GifColorType colour = known ? colours->Colors[index] : GifColorType{0, 0, 0};
            std::ranges::copy(std::array<std::uint8_t, 4>{colour.Red, colour.Green, colour.Blue, 255}, pixel.begin());
        }
    };
    if (!frame.Interlace) {
        for (int y = 0; y < frame.Height; ++y) read_row(y);
        return;
    }
    for (const auto& [first, step] : {std::array{0, 8}, std::array{4, 8}, std::array{2, 4}, std::array{1, 2}})
        for (int y = first; y < frame.Height; y += step) read_row(y);
}

// Counts the frames from here to the end of the file or to the first damage.
inline int count_gif_frames(const gif_session& file) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    for (int count = 0;;) {
        if (DGifGetRecordType(file.get(), &record) == GIF_ERROR || record == TERMINATE_RECORD_TYPE) return count;
        int kind = 0;
        GifByteType* block = nullptr;
        const bool frame = record == IMAGE_DESC_RECORD_TYPE;
        if ((frame ? DGifGetImageDesc(file.get()) : DGifGetExtension(file.get(), &kind, &block)) == GIF_ERROR)
            return count;
        if (frame && DGifGetCode(file.get(), &kind, &block) == GIF_ERROR) return count;
        while (block)
            if ((frame ? DGifGetCodeNext(file.get(), &block) : DGifGetExtensionNext(file.get(), &block)) == GIF_ERROR)
                return count;
        count += frame;
    }
}

inline decoded_image decode_gif(const encoded_image& in) {
    const gif_session file(in);
    check_claimed_size(in, file.get()->SWidth, file.get()->SHeight);
    image canvas(file.get()->SHeight, file.get()->SWidth, 4);
    int transparent = -1;
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    while (record != IMAGE_DESC_RECORD_TYPE) {
        file.check(DGifGetRecordType(file.get(), &record));
        if (record == EXTENSION_RECORD_TYPE) read_gif_extension(file, transparent);
        if (record == TERMINATE_RECORD_TYPE) fail(in.name, ": damaged GIF: no frame");
    }
    file.check(DGifGetImageDesc(file.get()));
    read_gif_frame(in, file, transparent, canvas);
    if (const int frames = 1 + count_gif_frames(file); frames > 1)
        in.say(": an animation of ", frames, " frames: only the first is read");
    decoded_image out;
    out.pixels = without_constant_alpha(std::move(canvas), {255});
    return out;
}

} // namespace fovea::detail
