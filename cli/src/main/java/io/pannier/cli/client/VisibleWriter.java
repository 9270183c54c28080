package io.pannier.cli.client;

import java.io.PrintWriter;

/**
 * Prints text in which control characters are to be seen, as in JSON: {@code \u005cu001B}. What a
 * server says, the names of its entries for one, could else move the cursor, change the title of
 * the window or worse. Line feeds, those with a carriage return, and tabulators stay.
 */
public final class VisibleWriter extends PrintWriter {
  /** Over another writer, which is flushed at the end of each line if that is wanted. */
  public VisibleWriter(PrintWriter out, boolean autoFlush) {
    super(out, autoFlush);
  }

  @Override
  public void write(int c) {
    write(String.valueOf((char) c));
  }

  @Override
  public void write(char[] text, int from, int length) {
    write(new String(text, from, length), 0, length);
  }

  @Override
  public void write(String text, int from, int length) {
    String wanted = visible(text.substring(from, from + length));
    super.write(wanted, 0, wanted.length());
  }

  /** Prints something as it is: what this program itself says to the terminal. */
  void control(String text) {
    super.write(text, 0, text.length());
  }

  /** The text without control characters. */
  static String visible(String text) {
    if (text.chars().noneMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t')) {
      return text;
    }
    var shown = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean isEndOfLine = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n';
      if (Character.isISOControl(c) && c != '\n' && c != '\t' && !isEndOfLine) {
        shown.append(String.format(java.util.Locale.ROOT, "\\u%04X", (int) c));
      } else {
        shown.append(c);
      }
    }
    return shown.toString();
  }
}
