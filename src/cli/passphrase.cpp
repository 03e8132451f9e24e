#include "cli/passphrase.hpp"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/text.hpp"

namespace darkshelf::cli {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kLongest = 1024;
constexpr const char* kVariable = "DARKSHELF_PASSPHRASE";
constexpr const char* kHint = "DARKSHELF_PASSPHRASE, or --passphrase-file FILE, tells it where nobody can be asked";

/// Keys typed are not shown, and Ctrl-C ends the question, not the line after it; as it was when this ends.
class NoEcho {
 public:
  NoEcho() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= static_cast<tcflag_t>(ECHONL | ICANON);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    ::sigaction(SIGINT, nullptr, &on_signal_);
    struct sigaction ends_it = on_signal_;
    ends_it.sa_flags &= ~SA_RESTART;
    ::sigaction(SIGINT, &ends_it, nullptr);
  }
  ~NoEcho() {
    ::sigaction(SIGINT, &on_signal_, nullptr);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  struct sigaction on_signal_ {};
};

bool is_terminal() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

/// The first line of what was read.
void first_line(sign::Secret& secret) {
  const auto bytes = secret.span();
  std::size_t size = 0;
  while (size < bytes.size() && bytes[size] != std::byte{'\n'}) ++size;
  if (size > 0 && bytes[size - 1] == std::byte{'\r'}) --size;
  secret.shorten(size);
}

sign::Secret asked(Session* session, const std::string& question) {
  std::fputs(question.c_str(), stderr);
  std::fflush(stderr);
  sign::Secret secret(kLongest);
  ssize_t got = 0;
  {
    const NoEcho quiet;
    got = ::read(STDIN_FILENO, secret.span().data(), secret.size());
  }
  if (session != nullptr) session->cancel().check();
  if (got <= 0) throw Error(Code::kCancelled, "stopped");
  secret.shorten(static_cast<std::size_t>(got));
  first_line(secret);
  return secret;
}

/// Taken out of the environment: programs that are started need not know it.
sign::Secret from_environment(char* value) {
  const std::size_t size = std::strlen(value);
  sign::Secret secret(size);
  std::memcpy(secret.span().data(), value, size);
  sign::wipe(value, size);
  ::unsetenv(kVariable);
  return secret;
}

sign::Secret from_file(const std::string& path) {
  const auto stat = io::posix().stat_following(path);
  if (!stat || stat->type == io::FileType::kDirectory)
    throw Error(Code::kNotFound, fmt::format("there is no file {}", core::printable(path)),
                "--passphrase-file takes the file whose first line is the passphrase");
  const auto file = io::posix().open_read(path);
  sign::Secret secret(kLongest + 1);
  secret.shorten(file->read_at(0, secret.span()));
  if (secret.size() > kLongest)
    throw Error(Code::kUsage, fmt::format("{} is too long for a passphrase", core::printable(path)),
                "its first line is taken; the file holds at most 1,024 bytes");
  first_line(secret);
  return secret;
}

/// As a script tells it; nothing if none does.
std::optional<sign::Secret> told(const std::string& file) {
  std::optional<sign::Secret> secret;
  if (!file.empty()) {
    secret = from_file(file);
  } else if (char* value = std::getenv(kVariable); value != nullptr) {
    secret = from_environment(value);
  }
  if (secret && secret->empty()) throw Error(Code::kUsage, "the passphrase is empty", kHint);
  return secret;
}

}  // namespace

CLI::Option* add_passphrase_file(CLI::App* cmd, std::string& file) {
  return cmd->add_option("--passphrase-file", file, "Its first line is the passphrase of the signing key")
      ->type_name("FILE");
}

sign::Secret new_passphrase(const std::string& file) {
  if (auto secret = told(file)) return std::move(*secret);
  if (!is_terminal())
    throw Error(Code::kUsage, "a signing key wants a passphrase, and there is no terminal to ask at", kHint);
  sign::Secret secret = asked(nullptr, "Passphrase for the new key: ");
  if (secret.empty())
    throw Error(Code::kUsage, "the passphrase is empty",
                "darkshelf key create --no-passphrase   (whoever gets the file can then sign with it)");
  if (!(asked(nullptr, "The same once more: ") == secret))
    throw Error(Code::kUsage, "the two are not the same", "type the same command again");
  return secret;
}

std::optional<sign::SigningKey> opened_key(Session& session, rituals::Context& context, const std::string& file,
                                           std::string& why_not) {
  const auto key = rituals::read_key_file(context.fs, context.catalog.path());
  if (!key) {
    why_not = "there is no signing key on this machine: darkshelf key create";
    return {};
  }
  const std::string path = core::printable(key->path.string());
  if (key->readable_by_others)
    session.out().error(fmt::format("Warning: others can read the signing key. Type: chmod 600 {}",
                                    core::shell_quote(key->path.string())));
  if (!key->wants_passphrase) return rituals::open_key(context, *key, nullptr);
  if (const auto secret = told(file)) return rituals::open_key(context, *key, &*secret);
  if (!is_terminal()) {
    why_not =
        "nobody can be asked for the passphrase of the signing key; DARKSHELF_PASSPHRASE or --passphrase-file "
        "FILE tells it";
    return {};
  }
  constexpr int kTries = 3;
  for (int tried = 1;; ++tried) {
    const sign::Secret secret = asked(&session, fmt::format("Passphrase of the signing key {}: ", path));
    try {
      return rituals::open_key(context, *key, &secret);
    } catch (const Error& error) {
      if (error.code() != Code::kFailed || tried == kTries) throw;
      session.out().error(fmt::format("{}; try again", error.what()));
    }
  }
}

}  // namespace darkshelf::cli
