package io.pannier.robotics.image;

/** An image that cannot be encoded: a pixel format that is not known, or bytes that do not fit. */
public final class ImageException extends Exception {
  private static final long serialVersionUID = 1;

  /** Whether the image is sound and only the wanted encoding does not hold such pixels. */
  private final boolean unsupported;

  private ImageException(String message, boolean unsupported) {
    super(message);
    this.unsupported = unsupported;
  }

  static ImageException malformed(String message) {
    return new ImageException(message, false);
  }

  static ImageException unsupported(String pixels) {
    return new ImageException(pixels, true);
  }

  /** Whether the image is sound, but of pixels that cannot be encoded so. */
  public boolean isUnsupported() {
    return unsupported;
  }
}
