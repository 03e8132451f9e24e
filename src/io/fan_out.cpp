#include "io/fan_out.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "core/error.hpp"

namespace darkshelf::io {

namespace {

/// A thread that does one thing at a time when told, and tells when it is done.
class Worker {
 public:
  Worker() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void start(std::function<void()> job) {
    {
      const std::lock_guard hold(mutex_);
      job_ = std::move(job);
      busy_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [&] { return !busy_; });
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock hold(mutex_);
    while (changed_.wait(hold, stop, [&] { return job_ != nullptr; })) {
      const std::function<void()> job = std::exchange(job_, nullptr);
      hold.unlock();
      job();
      hold.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::function<void()> job_;
  bool busy_ = false;
  std::jthread thread_;  // last: it starts when all the rest stands
};

}  // namespace

struct FanOut::State {
  struct Target {
    Path root;
    std::exception_ptr error;
    Worker worker;
  };
  explicit State(FileSystem& file_system) : fs(file_system) {}

  /// Runs `step` on every live target's thread; when all have failed the last failure is thrown.
  /// Threads take turns.
  void on_each(const std::function<void(std::size_t)>& step) {
    const std::lock_guard turn(turns);
    std::vector<std::size_t> live;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (!targets[i]->error) live.push_back(i);
    }
    std::mutex hold_error;
    const auto guarded = [&](std::size_t i) {
      try {
        step(i);
      } catch (...) {
        const std::lock_guard hold(hold_error);
        targets[i]->error = std::current_exception();
        last_error = targets[i]->error;
      }
    };
    if (live.size() == 1) {  // no handing over where there is nobody to share with
      guarded(live.front());
    } else {
      for (const std::size_t i : live) targets[i]->worker.start([&guarded, i] { guarded(i); });
      for (const std::size_t i : live) targets[i]->worker.wait();
    }
    for (const auto& target : targets) {
      if (!target->error) return;
    }
    if (last_error) std::rethrow_exception(last_error);
  }

  /// What `step` gives for the first live target; one it fails for is dropped, and the next one asked.
  template <typename Step>
  auto on_one(Step step) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (targets[i]->error) continue;
      try {
        return step(i);
      } catch (...) {
        targets[i]->error = last_error = std::current_exception();
      }
    }
    std::rethrow_exception(last_error);
  }

  FileSystem& fs;
  std::mutex turns;
  std::vector<std::unique_ptr<Target>> targets;
  std::exception_ptr last_error;
  Path read_path;  // of what is open for reading
  std::unique_ptr<File> read_file;
};

/// The same file on every live target.
class FanOutFile final : public File {
 public:
  FanOutFile(FanOut::State& state, Path relative)
      : state_(state), relative_(std::move(relative)), files_(state.targets.size()) {}

  void create() {
    state_.on_each([&](std::size_t i) {
      const Path path = state_.targets[i]->root / relative_;
      state_.fs.make_dirs(path.parent_path());
      files_[i] = state_.fs.create(path);
    });
  }

  std::size_t read_at(std::uint64_t offset, core::MutableByteSpan into) override {
    return state_.on_one([&](std::size_t i) { return file(i).read_at(offset, into); });
  }
  void write_at(std::uint64_t offset, core::ByteSpan bytes) override {
    state_.on_each([&](std::size_t i) { file(i).write_at(offset, bytes); });
  }
  void truncate(std::uint64_t bytes) override {
    state_.on_each([&](std::size_t i) { file(i).truncate(bytes); });
  }
  void sync() override {
    state_.on_each([&](std::size_t i) { file(i).sync(); });
  }
  Stat stat() override {
    return state_.on_one([&](std::size_t i) { return file(i).stat(); });
  }
  void set_mtime(std::int64_t mtime_ns) override {
    state_.on_each([&](std::size_t i) { file(i).set_mtime(mtime_ns); });
  }
  void set_mode(std::uint32_t mode) override {
    state_.on_each([&](std::size_t i) { file(i).set_mode(mode); });
  }
  bool is_direct() const override { return false; }
  const Path& path() const override { return relative_; }

 private:
  File& file(std::size_t i) {
    if (!files_[i]) throw core::Error(core::Code::kFailed, relative_.string() + " was never created on this drive");
    return *files_[i];
  }

  FanOut::State& state_;
  Path relative_;
  std::vector<std::unique_ptr<File>> files_;
};

FanOut::FanOut(FileSystem& fs, std::vector<Path> roots) : state_(std::make_unique<State>(fs)) {
  for (Path& root : roots) {
    state_->targets.push_back(std::make_unique<State::Target>());
    state_->targets.back()->root = std::move(root);
  }
}
FanOut::~FanOut() = default;

std::unique_ptr<File> FanOut::create(const std::string& relative) {
  auto file = std::make_unique<FanOutFile>(*state_, relative);
  file->create();
  return file;
}

std::size_t FanOut::read_at(const std::string& relative, std::uint64_t offset, core::MutableByteSpan into) {
  return state_->on_one([&](std::size_t i) {
    const Path path = state_->targets[i]->root / relative;
    if (!state_->read_file || state_->read_path != path) {
      state_->read_file = state_->fs.open_read(path);
      state_->read_path = path;
    }
    return state_->read_file->read_at(offset, into);
  });
}

void FanOut::for_each(const std::function<void(std::size_t)>& step) { state_->on_each(step); }

std::size_t FanOut::size() const { return state_->targets.size(); }
bool FanOut::alive(std::size_t target) const { return !state_->targets[target]->error; }
const Path& FanOut::root(std::size_t target) const { return state_->targets[target]->root; }
std::exception_ptr FanOut::error(std::size_t target) const { return state_->targets[target]->error; }

}  // namespace darkshelf::io
