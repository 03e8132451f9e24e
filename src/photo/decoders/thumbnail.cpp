#include "photo/decoders/thumbnail.hpp"

#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace darkshelf::photo {

namespace {

constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 30;
constexpr long kMostScans = 200;  // of a progressive JPEG; more are made to keep a decoder busy

/// libjpeg's way of failing, as an exception: it unwinds through C code that was built to allow it, or ends the worker.
struct Failing : jpeg_error_mgr {
  Failing() {
    jpeg_std_error(this);
    error_exit = [](j_common_ptr info) {
      std::array<char, JMSG_LENGTH_MAX> words{};
      info->err->format_message(info, words.data());
      throw core::Error(core::Code::kCorrupt, std::string("JPEG: ") + words.data());
    };
    emit_message = [](j_common_ptr info, int level) {
      if (level < 0) ++info->err->num_warnings;
    };
    output_message = [](j_common_ptr) {};
  }
};

/// Averages rows of a picture into a smaller one, as they come.
class Shrinker {
 public:
  Shrinker(std::uint32_t width, std::uint32_t height) : width_(width), height_(height) {
    const std::uint32_t side = std::max(width, height);
    const std::uint32_t aim = std::min(side, kThumbnailSide);
    const auto scaled = [&](std::uint32_t length) {
      return std::max<std::uint32_t>(1, static_cast<std::uint32_t>((std::uint64_t{length} * aim + side / 2) / side));
    };
    out_.width = scaled(width);
    out_.height = scaled(height);
    out_.rgb.resize(std::size_t{out_.width} * out_.height * 3);
    sums_.resize(std::size_t{out_.width} * 3);
    // Column x of the small one is the mean of these of the large one.
    for (std::uint32_t x = 0; x <= out_.width; ++x) columns_.push_back(edge(x, out_.width, width));
  }

  void row(const std::uint8_t* rgb) {
    if (next_ >= out_.height) return;
    for (std::uint32_t x = 0; x < out_.width; ++x) {
      std::uint32_t red = 0, green = 0, blue = 0;
      for (std::uint32_t from = columns_[x]; from < columns_[x + 1]; ++from) {
        red += rgb[from * 3];
        green += rgb[from * 3 + 1];
        blue += rgb[from * 3 + 2];
      }
      sums_[x * 3] += red;
      sums_[x * 3 + 1] += green;
      sums_[x * 3 + 2] += blue;
    }
    ++rows_;
    if (++seen_ == edge(next_ + 1, out_.height, height_)) finish_row();
  }
  Pixels take() { return std::move(out_); }

 private:
  static std::uint32_t edge(std::uint32_t i, std::uint32_t of, std::uint32_t length) {
    return static_cast<std::uint32_t>(std::uint64_t{i} * length / of);
  }
  void finish_row() {
    std::uint8_t* to = &out_.rgb[std::size_t{next_} * out_.width * 3];
    for (std::uint32_t x = 0; x < out_.width; ++x) {
      const std::uint64_t count = std::uint64_t{columns_[x + 1] - columns_[x]} * rows_;
      for (int c = 0; c < 3; ++c) {
        std::uint64_t& sum = sums_[x * 3 + static_cast<std::size_t>(c)];
        *to++ = static_cast<std::uint8_t>((sum + count / 2) / count);
        sum = 0;
      }
    }
    rows_ = 0;
    ++next_;
  }

  std::uint32_t width_, height_;
  Pixels out_;
  std::vector<std::uint64_t> sums_;
  std::vector<std::uint32_t> columns_;
  std::uint32_t next_ = 0, seen_ = 0, rows_ = 0;
};

class Decompressor {
 public:
  Decompressor() {
    info_.err = &failing_;
    jpeg_create_decompress(&info_);
    progress_.progress_monitor = [](j_common_ptr info) {
      const auto* of = reinterpret_cast<j_decompress_ptr>(info);
      if (of->input_scan_number > kMostScans) throw core::Error(core::Code::kCorrupt, "JPEG: too many scans");
    };
    info_.progress = &progress_;
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  jpeg_decompress_struct& info() { return info_; }

 private:
  Failing failing_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

core::Bytes encode(const Pixels& pixels, int quality) {
  Failing failing;
  jpeg_compress_struct info{};
  info.err = &failing;
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long bytes = 0;
  struct Cleanup {
    jpeg_compress_struct& info;
    unsigned char*& memory;
    ~Cleanup() {
      jpeg_destroy_compress(&info);
      std::free(memory);  // NOLINT: libjpeg's
    }
  } cleanup{info, memory};
  jpeg_mem_dest(&info, &memory, &bytes);
  info.image_width = pixels.width;
  info.image_height = pixels.height;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.optimize_coding = TRUE;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(&pixels.rgb[std::size_t{info.next_scanline} * pixels.width * 3]);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  return {begin, begin + bytes};
}

}  // namespace

Pixels small_pixels(core::ByteSpan jpeg) {
  Decompressor decompressor;
  jpeg_decompress_struct& info = decompressor.info();
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(jpeg.data()), static_cast<unsigned long>(jpeg.size()));
  if (jpeg_read_header(&info, TRUE) != JPEG_HEADER_OK) throw core::Error(core::Code::kCorrupt, "JPEG: no picture");
  if (std::uint64_t{info.image_width} * info.image_height > kMostPixels) {
    throw core::Error(core::Code::kCorrupt, "JPEG: too many pixels");
  }
  const bool four = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = four ? JCS_CMYK : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = 8;
  while (info.scale_denom > 1 && std::max(info.image_width, info.image_height) / info.scale_denom < kThumbnailSide) {
    info.scale_denom /= 2;
  }
  info.do_fancy_upsampling = FALSE;
  info.do_block_smoothing = FALSE;
  jpeg_start_decompress(&info);
  Shrinker shrinker(info.output_width, info.output_height);
  std::vector<std::uint8_t> row(std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components));
  while (info.output_scanline < info.output_height) {
    JSAMPROW at = row.data();
    jpeg_read_scanlines(&info, &at, 1);
    if (four) {  // Adobe's are inverted; good enough for a thumbnail of a printer's file
      for (std::size_t x = 0; x < info.output_width; ++x) {
        const unsigned black = row[x * 4 + 3];
        for (std::size_t c = 0; c < 3; ++c) row[x * 3 + c] = static_cast<std::uint8_t>(row[x * 4 + c] * black / 255);
      }
    }
    shrinker.row(row.data());
  }
  return shrinker.take();  // what follows the last row is nobody's concern
}

Pixels small_pixels(const Pixels& pixels) {
  if (pixels.width == 0 || pixels.height == 0 || pixels.rgb.size() != std::size_t{pixels.width} * pixels.height * 3) {
    throw core::Error(core::Code::kCorrupt, "no pixels");
  }
  Shrinker shrinker(pixels.width, pixels.height);
  for (std::size_t y = 0; y < pixels.height; ++y) shrinker.row(&pixels.rgb[y * pixels.width * 3]);
  return shrinker.take();
}

Pixels upright(const Pixels& pixels, unsigned orientation) {
  if (orientation < 2 || orientation > 8) return pixels;
  const bool swapped = orientation >= 5;
  Pixels out{swapped ? pixels.height : pixels.width, swapped ? pixels.width : pixels.height, {}};
  out.rgb.resize(pixels.rgb.size());
  const std::uint32_t right = pixels.width - 1, bottom = pixels.height - 1;
  for (std::uint32_t y = 0; y < out.height; ++y) {
    for (std::uint32_t x = 0; x < out.width; ++x) {
      std::uint32_t from_x = swapped ? y : x, from_y = swapped ? x : y;
      // 2 mirrored, 3 upside down, 4 both, 5 along the diagonal, 6 a quarter right, 7 along the other one, 8 left
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) from_x = right - from_x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) from_y = bottom - from_y;
      const std::uint8_t* from = &pixels.rgb[(std::size_t{from_y} * pixels.width + from_x) * 3];
      std::copy_n(from, 3, &out.rgb[(std::size_t{y} * out.width + x) * 3]);
    }
  }
  return out;
}

core::Bytes encode_thumbnail(const Pixels& pixels) {
  int low = 40, high = 85;
  core::Bytes best = encode(pixels, high);
  if (best.size() <= kThumbnailBytes) return best;
  best = encode(pixels, low);
  while (high - low > 3) {
    const int middle = (low + high) / 2;
    core::Bytes tried = encode(pixels, middle);
    if (tried.size() <= kThumbnailBytes) {
      low = middle;
      best = std::move(tried);
    } else {
      high = middle;
    }
  }
  return best;
}

}  // namespace darkshelf::photo
