#pragma once
// The vectors of a format: formats/<format>/vectors/{valid,invalid,foreign}.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace darkshelf::testing {

/// File name to content of the plain files right in a folder below formats/, without READMEs.
std::map<std::string, std::string> vectors_in(const std::string& folder);
std::string vector_text(const std::string& file);

/// A line of invalid/index.txt.
struct BadVector {
  std::string name, text;
  core::Code code = core::Code::kCorrupt;
  std::string words;  // what the sentence has to say
};
std::vector<BadVector> bad_vectors(const std::string& format);

/// "" when `decode` refuses with that code and words in its sentence, else what it did instead.
std::string other_than_refused(const BadVector& bad, const std::function<void()>& decode);

/// "" when a decoder lives through `text` cut at every byte, with every byte changed in several ways, and with every
/// byte removed: it returns, or throws core::Error with a sentence. Else what happened, and where.
std::string harmed_by_damage(const std::string& text, const std::function<void(const std::string&)>& decode);

/// Runs formats/<format>/vectors/make.py into `folder`, and compares what it made with what is committed. "" if it is
/// the same.
std::string regenerated_otherwise(const std::string& format, const std::string& folder);

}  // namespace darkshelf::testing
