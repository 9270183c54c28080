package io.pannier.extract.table;

import java.util.Locale;
import java.util.Optional;

/** A form in which rows are stored. */
public enum DataFormat {
  /** Lines of cells, as in RFC 4180. */
  CSV("text/csv; header=present"),
  /** An object, a list of objects, or objects one after the other. */
  JSON("application/json"),
  /** A file of Apache Parquet. */
  PARQUET("application/vnd.apache.parquet"),
  /** One message of Protocol Buffers. Read only. */
  PROTOBUF("application/protobuf");

  private final String contentType;

  DataFormat(String contentType) {
    this.contentType = contentType;
  }

  /** Content type of what is written in this form. */
  public String contentType() {
    return contentType;
  }

  /** What requests call it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What errors call it. */
  public String shown() {
    return switch (this) {
      case CSV, JSON -> name();
      case PARQUET -> "Parquet";
      case PROTOBUF -> "Protobuf";
    };
  }

  /** The form that is written when none was asked for. */
  public DataFormat defaultOutput() {
    return this == PROTOBUF ? JSON : this;
  }

  /** The form of a content type; case and parameters do not count. */
  public static Optional<DataFormat> of(String contentType) {
    return switch (mediaType(contentType)) {
      case "text/csv" -> Optional.of(CSV);
      case "application/json" -> Optional.of(JSON);
      case "application/vnd.apache.parquet" -> Optional.of(PARQUET);
      case "application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf" ->
          Optional.of(PROTOBUF);
      default -> Optional.empty();
    };
  }

  /** Whether a content type says that the first line holds names (RFC 4180, parameter header). */
  public static boolean saysHeader(String contentType) {
    String[] parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
    for (int i = 1; i < parts.length; i++) {
      String parameter = parts[i].replace("\"", "").replace(" ", "");
      if (parameter.equals("header=present")) {
        return true;
      }
    }
    return false;
  }

  private static String mediaType(String contentType) {
    int end = contentType.indexOf(';');
    return (end < 0 ? contentType : contentType.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }
}
