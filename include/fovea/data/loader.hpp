// Makes batches of training samples in threads of its own, ahead of the steps that consume them.
//
// The batches are the same, bit for bit, for any number of threads, and a resumed run gets the same batches as a run
// that was never interrupted (position.hpp). An error in a thread ends the batches: next() throws it in place of the
// batch to which it belongs, and again on every further call. The loader may be destroyed at any time; its threads
// finish their current sample.
#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fovea/data/position.hpp"
#include "fovea/data/training_set.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

// Samples of one step, stacked; `at` is the position of the batch in the run. size: augmentation::size.
struct training_batch {
    tensor<float> input;  // (N,size/scale,size/scale,3)
    tensor<float> target; // (N,size,size,3)
    data_position at;
};

// What batches a data_loader makes, and with how many threads.
struct loader_options {
    int batch = 32;
    int threads = 1; // 0: as many as the machine has
    int ahead = 2;   // number of batches made ahead of the one in use
    std::uint64_t seed = 0;
    std::uint64_t samples_per_epoch = 0; // 0: each picture once; more: pictures repeat with other augmentation
    bool drop_incomplete = true;         // drops a smaller last batch of an epoch
    int part = 0, parts = 1;             // makes part `part` of `parts` equal parts of each batch
    data_position start{};
    std::function<void()> waiting{}; // called ten times a second while next() waits; its exceptions leave next()
};

// How long steps had to wait for data.
struct waiting_time {
    double seconds = 0;                                             // seconds that next() waited for batches
    double total = 0;                                               // seconds since the loader was made
    double part() const { return total > 0 ? seconds / total : 0; } // the share of the time, in 0...1
};

// Gives the batches of a training set one after the other, in random order, for ever.
class data_loader {
  public:
    // The set must outlive the loader. Throws if an option is invalid or an epoch does not fill one batch.
    explicit data_loader(const training_set& set, loader_options options = {}) : set_(set), o_(options) {
        if (o_.samples_per_epoch == 0) o_.samples_per_epoch = set.size();
        check_options();
        const int side = set.options().augment.size, low = side / set.options().scale;
        for (int i = 0; i <= o_.ahead; ++i) slots_.push_back({{{share(), low, low, 3}, {share(), side, side, 3}, {}}});
        position_ = making_ = normalised(o_.start);
        order_ = epoch_order(set_.size(), o_.samples_per_epoch, o_.seed, making_.epoch);
        const unsigned hardware = std::max(std::thread::hardware_concurrency(), 1u);
        const unsigned threads = o_.threads == 0 ? hardware : unsigned(o_.threads);
        for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
    }
    ~data_loader() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        work_.notify_all();
        for (auto& thread : threads_) thread.join();
    }
    data_loader(const data_loader&) = delete;
    data_loader& operator=(const data_loader&) = delete;

    // Returns the batch at position(). It stays valid until the next call.
    const training_batch& next() {
        std::unique_lock lock(mutex_);
        released_ = handed_out_;
        work_.notify_all();
        slot& s = slots_[handed_out_ % slots_.size()];
        const auto is_ready = [&] { return s.number == handed_out_ && s.left == 0; };
        const auto is_over = [&] { return !failure_.empty() && working_ == 0; };
        const auto begin = clock::now();
        const auto may_go_on = [&] { return is_ready() || is_over(); };
        if (!o_.waiting) ready_.wait(lock, may_go_on);
        while (!ready_.wait_for(lock, std::chrono::milliseconds(100), may_go_on)) {
            lock.unlock();
            o_.waiting();
            lock.lock();
        }
        waited_ += std::chrono::duration<double>(clock::now() - begin).count();
        if (!is_ready()) fail(failure_);
        ++handed_out_;
        position_ = normalised({s.batch.at.epoch, s.batch.at.step + 1});
        return s.batch;
    }

    data_position position() const { return position_; } // position of the next batch
    // Number of batches in an epoch.
    std::uint64_t steps_per_epoch() const {
        const std::uint64_t batch = std::uint64_t(o_.batch), samples = o_.samples_per_epoch;
        return o_.drop_incomplete ? samples / batch : (samples + batch - 1) / batch;
    }
    // How long next() has waited since the loader was made.
    waiting_time waited() const { return {waited_, std::chrono::duration<double>(clock::now() - made_).count()}; }

  private:
    using clock = std::chrono::steady_clock;
    static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

    struct slot {
        training_batch batch;
        std::uint64_t number = none; // number of the batch, counted from the start of this loader
        int left = 0;                // samples still to be made
    };
    // One sample to make: its place in a batch, its picture and its position, which determines its random numbers.
    struct ticket {
        slot* to = nullptr;
        int item = 0;
        std::size_t picture = 0;
        data_position at{};
        std::uint64_t index = 0; // index in the epoch
    };

    void check_options() const {
        if (o_.batch < 1) fail("data loader: batch ", o_.batch, ": expected at least 1");
        if (o_.threads < 0) fail("data loader: threads ", o_.threads, ": expected 0 (all of the machine) or more");
        if (o_.ahead < 1) fail("data loader: ahead ", o_.ahead, ": expected at least 1");
        if (o_.parts < 1 || o_.part < 0 || o_.part >= o_.parts)
            fail("data loader: part ", o_.part, " of ", o_.parts, ": expected 0 to one less than there are");
        if (o_.batch % o_.parts != 0)
            fail("data loader: a batch of ", o_.batch, " in ", o_.parts, " parts: expected a multiple of ", o_.parts);
        if (o_.parts > 1 && !o_.drop_incomplete)
            fail("data loader: an incomplete batch in ", o_.parts, " parts: expected that it is dropped");
        if (o_.samples_per_epoch >= most_samples_per_epoch)
            fail("data loader: samples per epoch ", o_.samples_per_epoch, ": expected less than ",
                 most_samples_per_epoch);
        if (o_.samples_per_epoch < std::uint64_t(o_.batch))
            fail("data loader: a batch of ", o_.batch, " from ", o_.samples_per_epoch,
                 " samples per epoch: expected a smaller batch, more pictures or more samples per epoch");
        if (o_.start.epoch > most_epochs || o_.start.step > steps_per_epoch())
            fail("data loader: start at epoch ", o_.start.epoch, ", step ", o_.start.step, ": an epoch has ",
                 steps_per_epoch(), " steps");
    }

    data_position normalised(data_position p) const {
        return p.step < steps_per_epoch() ? p : data_position{p.epoch + 1, 0};
    }

    int share() const { return o_.batch / o_.parts; } // samples of a batch that this loader makes

    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            work_.wait(lock,
                       [&] { return stopping_ || (failure_.empty() && making_number_ < released_ + slots_.size()); });
            if (stopping_) return;
            ++working_;
            const std::uint64_t number = next_ticket_++;
            ticket t;
            const std::string reason = reason_of_failure([&] {
                t = take();
                lock.unlock();
                make(t);
            });
            if (!lock.owns_lock()) lock.lock();
            --working_;
            if (reason.empty())
                --t.to->left;
            else if (number < failed_ticket_)
                failed_ticket_ = number, failure_ = reason; // earliest sample's error, whichever thread is first
            if (t.to == nullptr || t.to->left == 0 || !failure_.empty()) ready_.notify_all();
        }
    }

    // Returns the next sample that no thread makes yet. Called under the lock, by threads that know of a free slot.
    ticket take() {
        const std::uint64_t first = making_.step * std::uint64_t(o_.batch) + std::uint64_t(o_.part * share());
        slot& to = slots_[making_number_ % slots_.size()];
        if (making_item_ == 0) begin(to, int(std::min(std::uint64_t(share()), o_.samples_per_epoch - first)));
        const std::uint64_t index = first + std::uint64_t(making_item_);
        const ticket t{&to, making_item_, order_[index], making_, index};
        if (++making_item_ == to.batch.input.batch()) {
            const data_position following = normalised({making_.epoch, making_.step + 1});
            if (following.epoch != making_.epoch)
                order_ = epoch_order(set_.size(), o_.samples_per_epoch, o_.seed, following.epoch);
            making_ = following;
            making_item_ = 0;
            ++making_number_;
        }
        return t;
    }

    void begin(slot& s, int samples) {
        for (tensor<float>* t : {&s.batch.input, &s.batch.target})
            if (t->batch() != samples) *t = tensor<float>(samples, t->height(), t->width(), t->channels());
        s.batch.at = making_;
        s.number = making_number_;
        s.left = samples;
    }

    void make(const ticket& t) const {
        random_stream random = sample_stream(o_.seed, t.at.epoch, t.index);
        const training_sample sample = set_.sample(t.picture, random);
        store(sample.input, t.to->batch.input, t.item);
        store(sample.target, t.to->batch.target, t.item);
    }
    static void store(const image& from, tensor<float>& to, int item) {
        std::memcpy(to.at(item, 0, 0), from.data(), from.row_bytes() * std::size_t(from.height()));
    }

    const training_set& set_;
    loader_options o_;
    const clock::time_point made_ = clock::now();

    // Used by the consumer only.
    data_position position_;
    double waited_ = 0;

    // Shared, guarded by the mutex.
    std::mutex mutex_;
    std::condition_variable work_, ready_;
    std::vector<slot> slots_;                     // batch i is in slot i % slots
    std::uint64_t handed_out_ = 0, released_ = 0; // counts of batches; those below released_ are consumed
    std::vector<std::uint32_t> order_;            // order of pictures in the epoch that is being made
    data_position making_;                        // batch whose samples are being handed out,
    std::uint64_t making_number_ = 0;             // its number,
    int making_item_ = 0;                         // and its next sample
    std::uint64_t next_ticket_ = 0, failed_ticket_ = none;
    int working_ = 0; // threads that are making a sample
    std::string failure_;
    bool stopping_ = false;

    std::vector<std::thread> threads_; // last member: the threads use all of the above
};

} // namespace fovea
