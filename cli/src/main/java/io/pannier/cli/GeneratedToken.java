package io.pannier.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * The token that the first start makes when no setting gives one: secure without a manual. It
 * stands in two files of the data folder that only their owner may read; a damaged one is written
 * again from the other.
 */
final class GeneratedToken {
  private static final int RANDOM_BYTES = 32;

  /**
   * The token of a data folder.
   *
   * @param value what clients send
   * @param isNew whether it was made by this call and must be shown
   */
  record Found(String value, boolean isNew) {}

  private GeneratedToken() {}

  /** Reads the token of the folder, or makes one. */
  static Found in(Path folder, RandomGenerator random) throws IOException {
    Path file = folder.resolve("token");
    Path copy = folder.resolve("token.copy");
    Optional<String> first = read(file);
    Optional<String> second = read(copy);
    if (first.isEmpty() && second.isEmpty()) {
      var bytes = new byte[RANDOM_BYTES];
      random.nextBytes(bytes);
      // Letters, digits, '-' and '_': it can stand in a URL as it is.
      String made = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
      write(file, made);
      write(copy, made);
      return new Found(made, true);
    }
    String value = first.orElseGet(second::get);
    if (first.isEmpty()) {
      write(file, value);
    }
    if (!second.equals(Optional.of(value))) {
      write(copy, value);
    }
    return new Found(value, false);
  }

  /** The token of the folder, if one was made; changes nothing. */
  static Optional<String> kept(Path folder) throws IOException {
    Optional<String> first = read(folder.resolve("token"));
    return first.isPresent() ? first : read(folder.resolve("token.copy"));
  }

  /** The token in a file; empty when there is none or it does not check. */
  private static Optional<String> read(Path file) throws IOException {
    String line;
    try {
      line = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).trim();
    } catch (NoSuchFileException none) {
      return Optional.empty();
    }
    int gap = line.indexOf(' ');
    if (gap < 0 || !line.substring(gap + 1).equals(check(line.substring(0, gap)))) {
      return Optional.empty();
    }
    return Optional.of(line.substring(0, gap));
  }

  private static String check(String token) {
    var crc = new java.util.zip.CRC32C();
    crc.update(token.getBytes(StandardCharsets.ISO_8859_1));
    return Long.toHexString(crc.getValue());
  }

  private static void write(Path file, String token) throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var out =
        Files.newByteChannel(
            fresh, EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner)) {
      out.write(
          java.nio.ByteBuffer.wrap(
              (token + " " + check(token) + "\n").getBytes(StandardCharsets.ISO_8859_1)));
      if (out instanceof java.nio.channels.FileChannel channel) {
        channel.force(true);
      }
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
