// Threads and scratch memory. Both belong to a context that the caller makes; the library has no global threads.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>
#if defined(_WIN32)
#include <condition_variable>
#include <mutex>
#endif

#include "fovea/core/error.hpp"

namespace fovea {

// A fixed number of workers; the calling thread is worker 0. A pool serves one caller at a time.
class thread_pool {
  public:
    explicit thread_pool(int threads = 1) : threads_(threads) {
        if (threads < 1) fail("a thread pool needs at least 1 thread, got ", threads);
        others_.reserve(std::size_t(threads - 1));
        for (int worker = 1; worker < threads; ++worker) others_.emplace_back([this, worker] { serve(worker); });
    }
    ~thread_pool() {
        job_ = {};
        start();
        for (auto& thread : others_) thread.join();
    }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    int threads() const { return threads_; } // with the calling one
    // Returns whether the calling thread is inside this pool's parallel_for.
    bool is_worker() const noexcept { return current_.pool == this; }

    // Calls f(index, worker) for every index of [0, n) and returns when all calls are done. Each worker gets a run of
    // neighbouring indices, the same in every call with equal n, so that it finds its data in its caches again. A
    // nested call on the same pool runs serially on the calling worker. Allocates nothing.
    template <class F> void parallel_for(int n, F&& f) {
        static_assert(std::is_nothrow_invocable_v<F&, int, int>,
                      "fovea::thread_pool: an exception could not leave a worker; declare the function "
                      "f(int index, int worker) noexcept");
        if (current_.pool == this || threads() == 1 || n <= 1) {
            const int worker = current_.pool == this ? current_.worker : 0;
            for (int i = 0; i < n; ++i) f(i, worker);
            return;
        }
        using function = std::remove_reference_t<F>;
        job_ = {[](const void* context, int i, int worker) noexcept {
                    (*static_cast<function*>(const_cast<void*>(context)))(i, worker);
                },
                static_cast<const void*>(&f), n};
        unfinished_.store(threads_ - 1, std::memory_order_relaxed);
        start();
        run(0);
        await(unfinished_, [](int left) { return left == 0; });
    }

  private:
    struct job {
        void (*function)(const void* context, int index, int worker) noexcept = nullptr; // null: the workers exit
        const void* context = nullptr;
        int count = 0;
    };
    struct position {
        const thread_pool* pool;
        int worker;
    };

    void start() {
        generation_.fetch_add(1, std::memory_order_release);
        wake_all(generation_);
    }

    void run(int worker) noexcept {
        const position before = current_;
        current_ = {this, worker};
        const auto bound = [&](int w) { return int(std::ptrdiff_t(job_.count) * w / threads_); };
        for (int i = bound(worker); i < bound(worker + 1); ++i) job_.function(job_.context, i, worker);
        current_ = before;
    }

    void serve(int worker) noexcept {
        for (unsigned seen = 0;;) {
            seen = await(generation_, [seen](unsigned now) { return now != seen; });
            if (!job_.function) return;
            run(worker);
            if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_all(unfinished_);
        }
    }

    // Spins for 0.1 to 0.2 ms, which is longer than the gap between two operations, then parks.
    template <class T, class Ready> T await(const std::atomic<T>& value, Ready ready) noexcept {
        for (int spin = 0;; ++spin) {
            const T now = value.load(std::memory_order_acquire);
            if (ready(now)) return now;
            if (spin < 10000) {
                pause();
            } else {
                park(value, now);
            }
        }
    }
#if defined(_WIN32) // with the library of g++ 12, waiting on an atomic missed wake-ups here
    template <class T> void park(const std::atomic<T>& value, T old) noexcept {
        std::unique_lock lock(parked_);
        woken_.wait(lock, [&] { return value.load(std::memory_order_acquire) != old; });
    }
    template <class T> void wake_all(std::atomic<T>&) noexcept {
        { const std::lock_guard lock(parked_); } // a parking worker now either sees the new value or waits already
        woken_.notify_all();
    }
    std::mutex parked_;
    std::condition_variable woken_;
#else
    template <class T> static void park(const std::atomic<T>& value, T old) noexcept {
        value.wait(old, std::memory_order_acquire);
    }
    template <class T> static void wake_all(std::atomic<T>& value) noexcept { value.notify_all(); }
#endif
    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }

    static inline thread_local position current_{nullptr, 0};
    const int threads_;
    job job_{};
    alignas(64) std::atomic<unsigned> generation_{0};
    alignas(64) std::atomic<int> unfinished_{0};
    std::vector<std::thread> others_;
};

// The resources for running operations: threads, and scratch memory for each of them.
//
// A context is a handle. Copies share the threads and the memory, which live as long as the last copy; a model keeps a
// copy, so that the context that it was given may be destroyed before it. Only one thread at a time may use a context,
// with any models; a second thread gets an error. Give each thread a context of its own.
class context {
    struct shared_state;

  public:
    // How many threads a context has.
    struct options {
        int threads = 1; // 0: as many as the machine has
    };
    context() : context(options{}) {}
    explicit context(options o)
        : shared_(std::make_shared<shared_state>(o.threads == 0 ? hardware_threads() : o.threads)) {}

    int threads() const { return shared_->pool.threads(); } // with the calling one
    // thread_pool::parallel_for on the threads of this context. Throws if another thread is using the context.
    template <class F> void parallel_for(int n, F&& f) const {
        const usage mine(*this);
        shared_->pool.parallel_for(n, f);
    }
    // parallel_for for calls that take very different times: a worker takes the next index when it has finished one.
    template <class F> void parallel_for_uneven(int n, F&& f) const {
        std::atomic<int> next{0};
        parallel_for(threads(), [&](int, int worker) noexcept {
            for (int i = next++; i < n; i = next++) f(i, worker);
        });
    }

    // Grows the scratch memory of every worker to at least this many bytes; its contents are lost if it grows. Must not
    // be called inside parallel_for.
    void reserve_scratch(std::size_t bytes) const {
        for (auto& s : shared_->scratch) s.reserve(bytes);
    }
    // The scratch memory of a worker, 64-byte aligned; null before any is reserved.
    std::byte* scratch(int worker) const { return shared_->scratch[std::size_t(worker)].data; }
    std::size_t scratch_bytes() const { return shared_->scratch[0].bytes; }

    // While an object of this class lives, the context belongs to the thread that made it. The same thread may nest
    // them.
    class usage {
      public:
        // Throws if another thread is using the context.
        explicit usage(const context& c) : state_(c.shared_.get()) {
            const auto me = std::this_thread::get_id();
            if (state_->pool.is_worker() || state_->user.load(std::memory_order_relaxed) == me) {
                state_ = nullptr; // nested in a usage of this thread, or of the thread that this worker serves
                return;
            }
            std::thread::id nobody{};
            if (!state_->user.compare_exchange_strong(nobody, me, std::memory_order_acquire)) {
                state_ = nullptr;
                fail(
                    "a context is used by two threads at once, with one model or with two: expected a context, and "
                    "models made with it, for each thread");
            }
        }
        ~usage() {
            if (state_) state_->user.store({}, std::memory_order_release);
        }
        usage(const usage&) = delete;
        usage& operator=(const usage&) = delete;

      private:
        context::shared_state* state_;
    };

  private:
    struct block {
        std::byte* data = nullptr;
        std::size_t bytes = 0;

        block() = default;
        block(const block&) = delete;
        block& operator=(const block&) = delete;
        ~block() { release(); }
        void reserve(std::size_t needed) {
            if (bytes >= needed) return;
            release();
            data = static_cast<std::byte*>(::operator new(needed, alignment));
            bytes = needed;
        }

      private:
        static constexpr std::align_val_t alignment{64};
        void release() {
            if (data) ::operator delete(data, alignment);
            data = nullptr, bytes = 0;
        }
    };
    struct shared_state {
        explicit shared_state(int threads) : pool(threads), scratch(std::size_t(pool.threads())) {}
        thread_pool pool;
        std::vector<block> scratch;
        std::atomic<std::thread::id> user{}; // default-constructed: no thread uses the context
    };
    static int hardware_threads() {
        const unsigned n = std::thread::hardware_concurrency();
        return n ? int(n) : 1;
    }

    std::shared_ptr<shared_state> shared_;
};

} // namespace fovea
