/** MCAP files, ROS message definitions, CDR and ROS 1 messages. Stands alone. */
module io.pannier.robotics {
  requires static transitive org.jspecify;
  requires com.github.luben.zstd_jni;
  requires org.lz4.java;

  exports io.pannier.robotics.image;
  exports io.pannier.robotics.mcap;
  exports io.pannier.robotics.msg;
}
