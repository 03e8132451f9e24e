#pragma once
// A process of our own that does what may crash, hang or swallow all memory: decoders of bytes nobody vouches for. What
// it costs then is that process and the one request. Both ends are here: Worker for who asks, WorkerSeat for who works.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "io/file_system.hpp"

namespace darkshelf::io {

struct WorkerLimits {
  std::uint64_t memory = std::uint64_t{1} << 30;  // beyond the request itself
  std::chrono::milliseconds time{20'000};         // of one request
  std::size_t answer = std::size_t{1} << 20;      // bytes of all answers to one request
};

/// What came of waiting for an answer.
struct Answered {
  enum class Kind {
    kPart,     // `bytes` is one more part of the answer
    kDone,     // that was all of it
    kCrashed,  // the process ended by itself: `signal`, or 0 when it exited
    kTooLong,  // its time was over; it was killed
  };
  Kind kind = Kind::kDone;
  core::Bytes bytes;
  int signal = 0;
};

/// The asking end. One thread at a time.
class Worker {
 public:
  /// Starts `program`, which has to take its WorkerSeat first of all. It gets nothing of what is open here, no
  /// environment, an empty input and no output. Throws core::Error when it cannot be started.
  static std::unique_ptr<Worker> start(const Path& program, const WorkerLimits& limits);
  virtual ~Worker() = default;  // ends the process, whatever it does

  /// Sends a request: a short text (at most 64 KiB) and bytes, which are copied one part behind the other into memory
  /// that both share. False: the process is gone. Throws core::Error(kIo) when there is no memory for it.
  virtual bool ask(std::string_view head, std::span<const core::ByteSpan> parts) = 0;
  /// The next part of the answer; to be called until it is not kPart. After kCrashed and kTooLong the worker is good
  /// for nothing more.
  virtual Answered next() = 0;
};

/// The working end, in the other process. Nothing in it is thread-safe.
class WorkerSeat {
 public:
  /// Nothing if this process was not started by a Worker.
  static std::unique_ptr<WorkerSeat> take();
  virtual ~WorkerSeat() = default;

  /// To be called when all is loaded and before the first request: no file can be opened from here on, no program
  /// started, no network reached, whatever a request makes of this process. False where the kernel cannot
  /// do it: then nothing that came from elsewhere is to be looked into. Builds with sanitizers do without, and say
  /// true.
  virtual bool lock_up() = 0;

  struct Request {
    std::string head;
    core::ByteSpan bytes;  // all parts; good until the next call of next()
  };
  /// Waits for a request; nothing: nobody asks any more. From here on the limits of memory and time hold: beyond the
  /// one memory cannot be had, beyond the other the process is killed, even if nobody is left to do it.
  virtual std::optional<Request> next() = 0;
  /// Sends a part of the answer. What does not fit any more is not sent: false.
  virtual bool answer(core::ByteSpan part) = 0;
  virtual void done() = 0;
};

/// The program of that name that belongs to this one: beside it, or in ../libexec/darkshelf. Nothing if there is none.
std::optional<Path> own_program(const std::string& name);

}  // namespace darkshelf::io
