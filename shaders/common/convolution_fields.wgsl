// Fields of the Params of a general convolution: its geometry. `in` and `out` are its input and output, or their
// gradients.

in_channels: u32,
in_depth: u32,
in_height: u32,
in_width: u32,
out_channels: u32,
out_depth: u32,
out_height: u32,
out_width: u32,
group_inputs: u32,  // input channels of a group
group_outputs: u32, // output channels of a group
kernel_d: u32,
kernel_h: u32,
kernel_w: u32,
stride_d: u32,
stride_h: u32,
stride_w: u32,
padding_d: u32, // zeros before the first plane
padding_h: u32,
padding_w: u32,
dilation_d: u32,
dilation_h: u32,
dilation_w: u32,
