// Made by make_pillow_vectors.py with Pillow 13.0.0. FNV-1a of the samples, little-endian, row by row.
#pragma once
#include <cstdint>

#include "fovea/image/image.hpp"

struct pillow_vector {
    int channels;
    fovea::sample_type type;
    int height, width, new_height, new_width;
    std::uint64_t checksum;
};

inline constexpr pillow_vector pillow_vectors[] = {
    {1, fovea::sample_type::u8, 7, 5, 3, 2, 0x04d8b225accd08d6},
    {1, fovea::sample_type::u8, 5, 7, 13, 11, 0xd6a321b5f4331455},
    {1, fovea::sample_type::u8, 16, 16, 8, 8, 0x8e2ee9be5f0a72e6},
    {1, fovea::sample_type::u8, 33, 20, 66, 40, 0x5dbb6e8e52478f4b},
    {1, fovea::sample_type::u8, 40, 31, 13, 31, 0x66ebf9e884db30f5},
    {1, fovea::sample_type::u8, 31, 40, 31, 17, 0x05da4679245420d5},
    {1, fovea::sample_type::u8, 30, 64, 12, 5, 0x80290384d2abcd32},
    {1, fovea::sample_type::u8, 1, 1, 4, 6, 0x6a50b6844536d925},
    {1, fovea::sample_type::u8, 50, 50, 1, 1, 0xaf63f24c860211ee},
    {2, fovea::sample_type::u8, 7, 5, 3, 2, 0x6c52ee779ae2c3c1},
    {2, fovea::sample_type::u8, 5, 7, 13, 11, 0xbf310e75d4ebb9c3},
    {2, fovea::sample_type::u8, 16, 16, 8, 8, 0xb5d8cee389c3836b},
    {2, fovea::sample_type::u8, 33, 20, 66, 40, 0x8de6813a17088167},
    {2, fovea::sample_type::u8, 40, 31, 13, 31, 0x6ea47954979aaad7},
    {2, fovea::sample_type::u8, 31, 40, 31, 17, 0xf8d0efe62b2e7da0},
    {2, fovea::sample_type::u8, 30, 64, 12, 5, 0x45c15fa9cdec79e1},
    {2, fovea::sample_type::u8, 1, 1, 4, 6, 0x7394078107dcfe95},
    {2, fovea::sample_type::u8, 50, 50, 1, 1, 0x08f3be07b58f2a8e},
    {3, fovea::sample_type::u8, 7, 5, 3, 2, 0x02fa9328bb5cdb8f},
    {3, fovea::sample_type::u8, 5, 7, 13, 11, 0xbf238f329319d315},
    {3, fovea::sample_type::u8, 16, 16, 8, 8, 0x2198e7f5471399d5},
    {3, fovea::sample_type::u8, 33, 20, 66, 40, 0x8a5b32fc1277fabc},
    {3, fovea::sample_type::u8, 40, 31, 13, 31, 0x1eed3cb9ee5762e0},
    {3, fovea::sample_type::u8, 31, 40, 31, 17, 0x5cc687214188bd4c},
    {3, fovea::sample_type::u8, 30, 64, 12, 5, 0x061e9ee27f8993d2},
    {3, fovea::sample_type::u8, 1, 1, 4, 6, 0xc92b792f3911cfed},
    {3, fovea::sample_type::u8, 50, 50, 1, 1, 0xc559d91982482f0d},
    {4, fovea::sample_type::u8, 7, 5, 3, 2, 0x532561da97a2201b},
    {4, fovea::sample_type::u8, 5, 7, 13, 11, 0x67dbeb623c3af711},
    {4, fovea::sample_type::u8, 16, 16, 8, 8, 0x9580a9c90e3f3907},
    {4, fovea::sample_type::u8, 33, 20, 66, 40, 0x9a266d8282ee38b1},
    {4, fovea::sample_type::u8, 40, 31, 13, 31, 0xf9fe52f2a1ab6861},
    {4, fovea::sample_type::u8, 31, 40, 31, 17, 0xb32a9f864beeda3f},
    {4, fovea::sample_type::u8, 30, 64, 12, 5, 0xf72913012a30ea61},
    {4, fovea::sample_type::u8, 1, 1, 4, 6, 0x552660a186c9d3c5},
    {4, fovea::sample_type::u8, 50, 50, 1, 1, 0x9fd7575860a4b42c},
    {1, fovea::sample_type::u16, 7, 5, 3, 2, 0xc1d9b5bb69c2f78b},
    {1, fovea::sample_type::u16, 5, 7, 13, 11, 0x9755171fd471feae},
    {1, fovea::sample_type::u16, 16, 16, 8, 8, 0xfe90c2c1da8b735c},
    {1, fovea::sample_type::u16, 33, 20, 66, 40, 0xcf4d98ad5e9b602b},
    {1, fovea::sample_type::u16, 40, 31, 13, 31, 0x8ad6ec1b0ea1fcb5},
    {1, fovea::sample_type::u16, 31, 40, 31, 17, 0xd6d5bb5bcea82e2d},
    {1, fovea::sample_type::u16, 30, 64, 12, 5, 0xeb659306037ae357},
    {1, fovea::sample_type::u16, 1, 1, 4, 6, 0xe609ff60820d6fa5},
    {1, fovea::sample_type::u16, 50, 50, 1, 1, 0x0b0a4907b756289a},
    {1, fovea::sample_type::f32, 7, 5, 3, 2, 0xce872ec874bc8998},
    {1, fovea::sample_type::f32, 5, 7, 13, 11, 0xf759f140c46ce3ad},
    {1, fovea::sample_type::f32, 16, 16, 8, 8, 0xefd07f0cf19f6748},
    {1, fovea::sample_type::f32, 33, 20, 66, 40, 0xeb4211c95efb889e},
    {1, fovea::sample_type::f32, 40, 31, 13, 31, 0xb7a11ff92269cb03},
    {1, fovea::sample_type::f32, 31, 40, 31, 17, 0x55ef65529c9fb707},
    {1, fovea::sample_type::f32, 30, 64, 12, 5, 0xed6a6850e31b34fb},
    {1, fovea::sample_type::f32, 1, 1, 4, 6, 0xe4b47cf62442f4a5},
    {1, fovea::sample_type::f32, 50, 50, 1, 1, 0xec4f6d9c55911b44},
};
