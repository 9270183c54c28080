package io.pannier.extract.sql;

/** A statement gave no result. The message says why, not in which record. */
public final class SqlException extends Exception {
  private static final long serialVersionUID = 1L;
  private final boolean content;

  SqlException(boolean content, String message) {
    super(message, null, false, false);
    this.content = content;
  }

  /** Whether the content of the record is to blame, not the statement. */
  public boolean isContent() {
    return content;
  }
}
