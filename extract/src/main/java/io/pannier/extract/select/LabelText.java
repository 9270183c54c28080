package io.pannier.extract.select;

/** Texts of cells as values of labels. */
final class LabelText {
  private LabelText() {}

  /** Without blanks around it, and without characters that a header of an answer cannot hold. */
  static String of(String cell) {
    String text = cell.strip();
    for (int i = 0; i < text.length(); i++) {
      if (Character.isISOControl(text.charAt(i))) {
        return text.replaceAll("\\p{Cntrl}", " ");
      }
    }
    return text;
  }
}
