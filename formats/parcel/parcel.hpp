#pragma once
// Requests and parcels: what a damaged drive lacks, and what was read of it from another copy. SPEC.md is normative.
// Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.hpp"
#include "digest/digest.hpp"

namespace darkshelf::formats::parcel {

inline constexpr unsigned kFormat = 1;
inline constexpr std::uint64_t kHeadLimit = 256 << 20;
inline constexpr std::string_view kCreator = "darkshelf 1";

enum class Kind { kRequest, kParcel };
std::string_view name_of(Kind kind);  // "request", "parcel"

/// A tag file of a volume, whole.
struct File {
  std::string name;
  std::uint64_t bytes = 0;  // parcels only: a seal tells no lengths
  digest::Sha256 sha256{};
};
/// An input slice of the payload, without the zeros PAR2 adds.
struct Slice {
  std::uint32_t number = 0;
  std::uint64_t bytes = 0;
  digest::Sha256 sha256{};
};
struct Part {
  core::Uuid volume;
  digest::Sha256 seal{};
  std::string folder;  // "2026/2026-06-14_smith-wedding_k7f3p_1of7", below darkshelf/
  std::uint64_t slice_bytes = 0;
  std::uint32_t needed = 0, spare = 0;  // requests only: of the slices, so many and if possible so many more
  std::vector<File> files;
  std::vector<Slice> slices;  // ascending
};
struct Parcel {
  Kind kind = Kind::kRequest;
  core::Uuid drive;   // that is to be mended
  std::string label;  // of it
  std::string from;   // parcels only: label of the drive it was read from
  std::string creator;
  core::Time made{};
  std::vector<Part> parts;
  std::uint64_t data_bytes() const;  // behind the head: of a parcel's files and slices, in their order
};

/// The head: a request is nothing else, in a parcel the data follow.
std::string encode(const Parcel& parcel);
/// Throws core::Error(kCorrupt) naming the line, or (kNewerFormat).
Parcel decode(std::string_view head);

/// Does a file that begins so want to be one of these?
std::optional<Kind> kind_of(std::string_view beginning);
/// Where the head ends in what was read of a file so far; nothing if that is further on.
std::optional<std::size_t> head_length(std::string_view beginning);

}  // namespace darkshelf::formats::parcel
