// Lesson 1: train an upscaler on your own pictures, and use it.
//
//   1_train_on_your_folder FOLDER [STEPS]     leaves lesson.safetensors and lesson.png
//
// The programs pretrain and fine_tune do the same with every option that one may want, with checkpoints and evaluation.
#include <fovea/fovea.hpp>

using namespace fovea;

// A network is a type. This one adds the output of four residual blocks with 16 channels to an interpolated picture.
using block = residual<conv<16, 16, 3, silu>, conv<16, 16, 3>>;
using network =
    sum<sequential<conv<3, 16, 3>, repeat<4, block>, conv<16, 12, 3>, pixel_shuffle<2>>, upsample<2, bicubic>>;

void train(const char* folder, int steps) {
    // Takes every picture below the folder. A sample is a square of 64 pixels, randomly rotated and mirrored, and the
    // same square shrunk to half its size as MATLAB shrinks.
    sample_options samples{.scale = 2, .degradation = degradation_kind::matlab};
    samples.augment = dihedral_augmentation;
    samples.augment.size = 64;
    const training_set pictures(pictures_below(folder), samples);
    for (auto& file : pictures.skipped()) std::fprintf(stderr, "left out: %s\n", file.reason.c_str());

    // All random numbers come from the seed: the same seed gives the same network on any number of threads.
    context threads({.threads = 2});
    data_loader batches(pictures, {.batch = 8, .seed = 1, .samples_per_epoch = 1024});
    trainable<network, cpu> net({.seed = 1, .gain = 0.5, .threads = &threads});
    trainer fit(net, adam{}, {.rate = {.base = 1e-3}, .ema_decay = 0.99});

    for (int i = 0; i < steps; ++i) {
        const training_batch& b = batches.next();
        const step_report r = fit.step(b.input.view(), b.target.view(), l1_loss{});
        if (i % 50 == 0) std::printf("step %d: loss %.4f\n", i, r.loss);
    }

    // The file that the trainer saves is a weight file, too; weights_of() takes the averages of the weights from it.
    tensor_file file;
    fit.save(file);
    write_safetensors("lesson.safetensors", file);
    model<network, cpu> enlarge(weights_of(read_tensor_file("lesson.safetensors")), {.threads = &threads});
    write_image("lesson.png", enlarge(read_image(pictures.files(0).high)));
}

int main(int argc, char** argv) try {
    if (argc < 2) fail("expected: 1_train_on_your_folder FOLDER [STEPS]");
    train(argv[1], argc > 2 ? std::atoi(argv[2]) : 500);
} catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
}
