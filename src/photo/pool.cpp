#include "photo/pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.hpp"

namespace darkshelf::photo {

namespace {

constexpr std::uint64_t kMostSidecar = std::uint64_t{64} << 20;

/// A worker and whether it has answered before.
struct Hand {
  std::unique_ptr<io::Worker> worker;
  bool used = false;
};

/// Takes the whole answer; true if the worker is good for more.
bool listen(io::Worker& worker, Extract& out) {
  for (;;) {
    const io::Answered answered = worker.next();
    switch (answered.kind) {
      case io::Answered::Kind::kPart:
        try {
          take_part(answered.bytes, out);
        } catch (const core::Error& e) {
          out.problems.emplace_back(e.what());
          out.failure = Failure::kCrashed;  // it is not itself any more
          return false;
        }
        break;
      case io::Answered::Kind::kDone:
        return out.failure == Failure::kNone;
      case io::Answered::Kind::kCrashed:
        out.failure = Failure::kCrashed;
        if (answered.signal != 0)
          out.problems.push_back("the decoder ended by signal " + std::to_string(answered.signal));
        return false;
      case io::Answered::Kind::kTooLong:
        out.failure = Failure::kTooLong;
        return false;
    }
  }
}

}  // namespace

struct Pool::State {
  PoolOptions options;
  std::mutex mutex;
  std::condition_variable free;
  std::vector<Hand> idle;
  unsigned out = 0;  // with somebody

  Hand take() {
    std::unique_lock hold(mutex);
    free.wait(hold, [&] { return out < options.workers; });
    ++out;
    if (idle.empty()) return {};
    Hand hand = std::move(idle.back());
    idle.pop_back();
    return hand;
  }
  void give_back(Hand hand) {
    const std::lock_guard hold(mutex);
    --out;
    if (hand.worker) idle.push_back(std::move(hand));
    free.notify_one();
  }
  std::unique_ptr<io::Worker> start() const {
    const auto program = options.program.empty() ? io::own_program("darkshelf-photo") : std::optional(options.program);
    if (!program) {
      throw core::Error(core::Code::kNotFound, "darkshelf-photo is not where darkshelf is", "Install darkshelf again.");
    }
    return io::Worker::start(*program, options.limits);
  }
};

Pool::Pool(PoolOptions options) : state_(std::make_unique<State>()) {
  if (options.workers == 0) options.workers = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  state_->options = std::move(options);
}
Pool::~Pool() = default;

unsigned Pool::size() const { return state_->options.workers; }

Extract Pool::extract(const Request& request) {
  if (request.picture.size() > state_->options.most_bytes) {
    Extract out;
    out.failure = Failure::kTooLarge;
    return out;
  }
  /// Given back whatever happens.
  struct Held {
    State& state;
    Hand hand;
    ~Held() { state.give_back(std::move(hand)); }
  } held{*state_, state_->take()};
  const std::string head = encode_head(request);
  std::vector<core::ByteSpan> parts = {request.picture};
  parts.insert(parts.end(), request.sidecars.begin(), request.sidecars.end());
  for (;;) {
    Extract out;
    const bool was_used = held.hand.used;
    if (!held.hand.worker) {
      try {
        held.hand.worker = state_->start();
      } catch (const core::Error& e) {
        out.failure = Failure::kNoWorker;
        out.problems.emplace_back(e.what());
        return out;
      }
    }
    bool good = false;
    try {
      good = held.hand.worker->ask(head, parts) && listen(*held.hand.worker, out);
      if (!good && out.failure == Failure::kNone) out.failure = Failure::kCrashed;
    } catch (...) {
      held.hand = {};
      throw;
    }
    if (good) {
      held.hand.used = true;
      return out;
    }
    held.hand = {};
    if (!was_used || out.failure == Failure::kTooLong) return out;
  }
}

Extract Pool::extract_file(io::FileSystem& fs, const io::Path& root, const Photo& photo, std::size_t file,
                           const Wanted& wanted) {
  Request request;
  request.name = photo.files.at(file);
  request.wanted = wanted;
  const auto stat = fs.stat_following(root / request.name);
  if (stat && stat->bytes > state_->options.most_bytes) {
    Extract out;
    out.failure = Failure::kTooLarge;
    return out;
  }
  const core::Bytes picture = io::read_file(fs, root / request.name, state_->options.most_bytes);
  request.picture = picture;
  std::vector<core::Bytes> sidecars;
  std::vector<std::string> problems;
  for (const std::size_t i : sidecars_for(photo, file)) {
    try {
      sidecars.push_back(io::read_file(fs, root / photo.sidecars[i].path, kMostSidecar));
    } catch (const core::Error& e) {
      if (core::ends_all(e)) throw;
      problems.emplace_back(e.what());
    }
  }
  request.sidecars.assign(sidecars.begin(), sidecars.end());
  Extract out = extract(request);
  out.problems.insert(out.problems.begin(), problems.begin(), problems.end());
  return out;
}

}  // namespace darkshelf::photo
