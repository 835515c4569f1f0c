// A second translation unit with the same headers, in a program that has stb_image for itself, around ours.
#include <cstddef>

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <stb_image.h>

#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

TEST_CASE("a program's own stb_image and ours live side by side") {
    const fovea_test::scratch_folder folder;
    const fovea::image in = fovea_test::varied(3, 5, 3);
    const std::string path = (folder.path / "a.png").string();
    fovea::write_image(path, in);
    int width = 0, height = 0, channels = 0;
    stbi_uc* samples = stbi_load(path.c_str(), &width, &height, &channels, 0);
    REQUIRE(samples);
    CHECK(std::equal(samples, samples + 45, reinterpret_cast<const stbi_uc*>(in.data())));
    stbi_image_free(samples);
    CHECK(fovea::read_image(std::filesystem::path(path)) == in);
}
