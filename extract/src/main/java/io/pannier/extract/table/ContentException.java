package io.pannier.extract.table;

/**
 * The body of a record is not what its format asks for, or too much of it. The message says what is
 * wrong and where in the body, but not in which record.
 */
public final class ContentException extends Exception {
  private static final long serialVersionUID = 1L;

  public ContentException(String message) {
    super(message, null, false, false);
  }
}
