// Trains an upscaler on a folder of images: pretrain --train-images-path photos --upscale-ratio 2
#include "common/training_session.hpp"

int main(int argc, char** argv) {
    programs::training_options o;
    CLI::App app("Trains an upscaler on a folder of images.");
    o.add_network_to(app), o.add_to(app);
    return programs::run_program(app, argc, argv, [&] {
        o.complete(app);
        programs::training_session session(o);
        const fovea::loss_function loss = session.loss();
        session.run([&](auto input, auto target,
                        auto& meanwhile) { return session.fit().step(input, target, loss, meanwhile); },
                    {});
    });
}
