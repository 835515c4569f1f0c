// fovea: super-resolution networks. This header includes the whole library, in the order in which data flows.
#pragma once
#if defined(__GNUC__) && !defined(FOVEA_OWN_WARNINGS) // no warnings for code in here
#pragma GCC system_header
#endif
#include "fovea/core/config.hpp"
#include "fovea/core/error.hpp"
#include "fovea/core/expected.hpp"
#include "fovea/core/random.hpp"
#include "fovea/core/threads.hpp"

#include "fovea/image/alpha.hpp"
#include "fovea/image/augment.hpp"
#include "fovea/image/colour.hpp"
#include "fovea/image/colour_space.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/image/crop.hpp"
#include "fovea/image/image.hpp"
#include "fovea/image/resample.hpp"
#if FOVEA_IMAGE_FILES
#include "fovea/io/image/header.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"
#endif
#include "fovea/io/image/try_read.hpp"

#include "fovea/tensor/tensor.hpp"

#if FOVEA_IMAGE_FILES
#include "fovea/data/loader.hpp"
#endif

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/backend/reference/reference.hpp"

#include "fovea/layers/activation.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"

#include "fovea/engine/execute.hpp"
#include "fovea/layers/compose.hpp"

#include "fovea/io/weights/read_weights.hpp"
#include "fovea/io/weights/try_read_weights.hpp"
#include "fovea/model/calibration.hpp"
#include "fovea/model/calibration_file.hpp"
#include "fovea/engine/frames.hpp"
#include "fovea/model/model.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/model/try_model.hpp"
#include "fovea/zoo/alexnet.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/load.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/squeezenet.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/train.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "fovea/zoo/vgg.hpp"

#include "fovea/loss/classification.hpp"
#include "fovea/loss/pixel.hpp"
#include "fovea/loss/weighted_sum.hpp"
#include "fovea/zoo/lpips_loss.hpp"

#include "fovea/optimizer/adafactor.hpp"
#include "fovea/optimizer/adam.hpp"
#include "fovea/optimizer/learning_rate.hpp"
#include "fovea/optimizer/loss_scaler.hpp"
#include "fovea/optimizer/moving_average.hpp"
#include "fovea/optimizer/sgd.hpp"

#include "fovea/io/event_file.hpp"
#include "fovea/trainer/adversarial.hpp"
#include "fovea/trainer/checkpoints.hpp"
#include "fovea/trainer/run_lock.hpp"
#include "fovea/trainer/run_settings.hpp"
#include "fovea/trainer/trainer.hpp"

#include "fovea/metrics/psnr.hpp"
#include "fovea/metrics/ssim.hpp"
#include "fovea/metrics/vif.hpp"
#include "fovea/zoo/lpips.hpp"
