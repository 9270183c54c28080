package io.pannier.store;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.QuotaType;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The lines that a snapshot of a store is told in: by a server to who makes a backup, in the
 * manifest of a restore point, and to a server that a bucket is restored into ({@code
 * docs/backup.md}, "Lines").
 */
public final class Backup {
  /** First line of every text. */
  static final String MAGIC = "pannier-backup 1";

  private Backup() {}

  /** Whether this is the first line of a text of a version that is known. */
  public static boolean isMagic(String line) {
    return line.equals(MAGIC);
  }

  /** One line. */
  public sealed interface Line {}

  /**
   * Which store it is.
   *
   * @param created when the store was made, µs
   * @param nextBucket id of the next bucket
   * @param taken when the snapshot was begun, µs by the clock of the store
   */
  public record OfStore(UUID id, long created, int nextBucket, long taken) implements Line {}

  /** Records outside of it do not belong to the point, though blocks that hold them do. */
  public record Within(TimeRange range) implements Line {}

  /**
   * A document with its content.
   *
   * @param base64 the content
   */
  public record Text(String name, String base64) implements Line {
    static Text of(String name, byte[] content) {
      return new Text(name, Base64.getEncoder().encodeToString(content));
    }

    byte[] content() {
      return Base64.getDecoder().decode(base64);
    }
  }

  /** A document whose content is kept apart. */
  public record KeptText(String name, Piece piece) implements Line {}

  /** A bucket; its entries follow. */
  public record OfBucket(int id, int nextEntry, BucketSettings settings, String name)
      implements Line {}

  /** An entry of the last bucket; its blocks follow. */
  public record OfEntry(int id, int nextBlock, long nextSequence, String name) implements Line {}

  /**
   * A block of the last entry.
   *
   * @param number place in the snapshot, by which it is asked for
   * @param tag of the salt of its file: the same as long as it is the same file; empty: unreadable
   */
  public record OfBlock(BlockState state, long number, String tag) implements Line {}

  /**
   * A block in a manifest: its bytes and those of its change log are the pieces, one behind the
   * other.
   */
  public record KeptBlock(
      BlockState state, String tag, List<Piece> pieces, List<Piece> changePieces) implements Line {}

  /** A block of the last entry that went while it was to be copied. */
  public record Lost(int block, int records) implements Line {}

  /** The end: how many lines there are before it. */
  public record End(long lines) implements Line {}

  /**
   * Bytes that are kept in a file of their own.
   *
   * @param digest their SHA-256 in hexadecimal digits, which is the name of the file
   */
  public record Piece(String digest, long bytes) {
    @Override
    public String toString() {
      return digest + ":" + bytes;
    }
  }

  /** The line without its end. */
  public static String text(Line line) {
    return switch (line) {
      case OfStore store ->
          "store "
              + store.id()
              + " "
              + Long.toUnsignedString(store.created())
              + " "
              + store.nextBucket()
              + " "
              + Long.toUnsignedString(store.taken());
      case Within(TimeRange range) ->
          "within "
              + Long.toUnsignedString(range.start())
              + " "
              + (range.bounded() ? Long.toUnsignedString(range.stop()) : "-");
      case Text document ->
          "text " + document.name() + " " + (document.base64().isEmpty() ? "-" : document.base64());
      case KeptText kept -> "kept-text " + kept.name() + " " + kept.piece();
      case OfBucket bucket -> text(bucket);
      case OfEntry entry ->
          "entry "
              + entry.id()
              + " "
              + entry.nextBlock()
              + " "
              + Long.toUnsignedString(entry.nextSequence())
              + " "
              + escaped(entry.name());
      case OfBlock block ->
          "block "
              + text(block.state())
              + " "
              + block.number()
              + " "
              + (block.tag().isEmpty() ? "-" : block.tag());
      case KeptBlock kept ->
          "kept-block "
              + text(kept.state())
              + " "
              + (kept.tag().isEmpty() ? "-" : kept.tag())
              + " "
              + text(kept.pieces())
              + " "
              + text(kept.changePieces());
      case Lost lost -> "lost " + lost.block() + " " + lost.records();
      case End end -> "end " + end.lines();
    };
  }

  private static String text(OfBucket bucket) {
    BucketSettings settings = bucket.settings();
    Ack ack = settings.ack();
    return "bucket "
        + bucket.id()
        + " "
        + bucket.nextEntry()
        + " "
        + settings.quotaType()
        + " "
        + Long.toUnsignedString(settings.quotaSize())
        + " "
        + Long.toUnsignedString(settings.maxBlockSize())
        + " "
        + Long.toUnsignedString(settings.maxBlockRecords())
        + " "
        + (ack == null ? "-" : ack.name())
        + " "
        + escaped(bucket.name());
  }

  private static String text(BlockState state) {
    return state.entry()
        + " "
        + state.block()
        + " "
        + state.flags()
        + " "
        + state.bytes()
        + " "
        + state.changeBytes()
        + " "
        + state.live()
        + " "
        + state.records()
        + " "
        + Long.toUnsignedString(state.oldest())
        + " "
        + Long.toUnsignedString(state.newest())
        + " "
        + state.size()
        + " "
        + state.dead()
        + " "
        + Long.toUnsignedString(state.lastSequence())
        + " "
        + Long.toUnsignedString(state.arrival());
  }

  private static String text(List<Piece> pieces) {
    return pieces.isEmpty() ? "-" : String.join("+", pieces.stream().map(Piece::toString).toList());
  }

  private static String escaped(String name) {
    return URLEncoder.encode(name, StandardCharsets.UTF_8);
  }

  /**
   * What a line says.
   *
   * @throws IOException when it is none of ours
   */
  public static Line parse(String line) throws IOException {
    try {
      var words = new Words(line);
      Line parsed =
          switch (words.next()) {
            case "store" ->
                new OfStore(
                    UUID.fromString(words.next()),
                    words.unsigned(),
                    words.integer(),
                    words.unsigned());
            case "within" -> within(words.unsigned(), words.next());
            case "text" -> new Text(words.documentName(), words.base64());
            case "kept-text" -> new KeptText(words.documentName(), piece(words.next()));
            case "bucket" ->
                new OfBucket(words.integer(), words.integer(), settings(words), words.name());
            case "entry" ->
                new OfEntry(words.integer(), words.integer(), words.unsigned(), words.name());
            case "block" -> new OfBlock(state(words), words.number(), words.textOrNone());
            case "kept-block" ->
                new KeptBlock(
                    state(words), words.textOrNone(), pieces(words.next()), pieces(words.next()));
            case "lost" -> new Lost(words.integer(), words.integer());
            case "end" -> new End(words.number());
            default -> throw new IllegalArgumentException("unknown kind of line");
          };
      words.end();
      return parsed;
    } catch (IllegalArgumentException malformed) {
      String shown = line.length() > 80 ? line.substring(0, 80) + "…" : line;
      throw new IOException("not a line of a backup: '" + shown + "'", malformed);
    }
  }

  private static Within within(long start, String stop) {
    return new Within(
        stop.equals("-")
            ? TimeRange.from(start)
            : TimeRange.of(start, Long.parseUnsignedLong(stop)));
  }

  private static BucketSettings settings(Words words) {
    return new BucketSettings(
        QuotaType.valueOf(words.next()),
        words.unsigned(),
        words.unsigned(),
        words.unsigned(),
        ack(words.next()));
  }

  private static @Nullable Ack ack(String name) {
    return name.equals("-") ? null : Ack.valueOf(name);
  }

  private static BlockState state(Words words) {
    return new BlockState(
        words.integer(),
        words.integer(),
        words.integer(),
        words.number(),
        words.number(),
        words.integer(),
        words.integer(),
        words.unsigned(),
        words.unsigned(),
        words.number(),
        words.number(),
        words.unsigned(),
        words.unsigned());
  }

  private static List<Piece> pieces(String text) {
    if (text.equals("-")) {
      return List.of();
    }
    var pieces = new ArrayList<Piece>();
    for (String piece : text.split("\\+", -1)) {
      pieces.add(piece(piece));
    }
    return List.copyOf(pieces);
  }

  private static Piece piece(String text) {
    String[] parts = text.split(":", -1);
    if (parts.length != 2 || !parts[0].matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException("not a piece");
    }
    return new Piece(parts[0], notNegative(parts[1]));
  }

  private static long notNegative(String text) {
    long value = Long.parseLong(text);
    if (value < 0) {
      throw new IllegalArgumentException("negative");
    }
    return value;
  }

  /** The words of a line, one after the other. */
  private static final class Words {
    private final String[] words;
    private int at;

    Words(String line) {
      words = line.split(" ", -1);
    }

    String next() {
      if (at == words.length) {
        throw new IllegalArgumentException("too short");
      }
      return words[at++];
    }

    int integer() {
      long value = number();
      if (value > Integer.MAX_VALUE) {
        throw new IllegalArgumentException("too large");
      }
      return (int) value;
    }

    long number() {
      return notNegative(next());
    }

    long unsigned() {
      return Long.parseUnsignedLong(next());
    }

    String textOrNone() {
      String word = next();
      return word.equals("-") ? "" : word;
    }

    String base64() {
      String text = textOrNone();
      Base64.getDecoder().decode(text);
      return text;
    }

    String documentName() {
      String word = next();
      if (!word.matches("[a-z0-9-]{1,64}")) {
        throw new IllegalArgumentException("not the name of a document");
      }
      return word;
    }

    String name() {
      return URLDecoder.decode(next(), StandardCharsets.UTF_8);
    }

    void end() {
      if (at != words.length) {
        throw new IllegalArgumentException("too long");
      }
    }
  }
}
