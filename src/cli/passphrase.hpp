#pragma once
// Where the passphrase of the signing key comes from: the environment, a file, or a person at a terminal.

#include <CLI/CLI.hpp>

#include "cli/session.hpp"
#include "rituals/signing_key.hpp"

namespace darkshelf::cli {

/// --passphrase-file FILE
CLI::Option* add_passphrase_file(CLI::App* cmd, std::string& file);

/// A new one, asked for twice on a terminal. Throws kUsage when nobody can be asked, when two differ, for an empty one.
sign::Secret new_passphrase(const std::string& file);

/// The signing key of this machine, opened: a person who mistypes is asked again. Nothing, with `why_not` as a
/// sentence, where there is no key, or nobody who could tell its passphrase.
std::optional<sign::SigningKey> opened_key(Session& session, rituals::Context& context, const std::string& file,
                                           std::string& why_not);

}  // namespace darkshelf::cli
