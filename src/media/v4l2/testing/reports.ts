/** What `v4l2-ctl` printed of devices, shortened where a list only goes on. */

/** v4l2-ctl 1.22.1, Linux 6.1: the capture node of the kernel's virtual test driver. */
export const vividCapture = `Driver Info:
	Driver name      : vivid
	Card type        : vivid
	Bus info         : platform:vivid-001
	Driver version   : 6.1.192
	Capabilities     : 0x9dbf0df7
		Video Capture
		Video Output
		Video Overlay
		Metadata Capture
		Streaming
		Extended Pix Format
		Device Capabilities
	Device Caps      : 0x05230005
		Video Capture
		Video Overlay
		Tuner
		Audio
		Read/Write
		Streaming
		Extended Pix Format
Media Driver Info:
	Driver name      : vivid
	Model            : vivid
	Serial           : 
	Bus info         : platform:vivid-000
	Media version    : 6.1.192
	Hardware revision: 0x00000000 (0)
	Driver version   : 6.1.192
FAIL: could not find device 81:10 in topology
Priority: 2
Frequency for tuner 0: 2804 (175.250000 MHz)
Tuner 0:
	Name                 : TV Tuner
	Type                 : Analog TV
	Capabilities         : 62.5 kHz multi-standard stereo lang1 lang2 freq-bands 
Video input : 0 (Webcam 0: ok)
Format Video Capture:
	Width/Height      : 640/360
	Pixel Format      : 'YUYV' (YUYV 4:2:2)
	Field             : None
	Bytes per Line    : 1280
	Size Image        : 460800
	Flags             : 
Format Video Overlay:
	Left/Top    : 0/0
	Width/Height: 640/360
Streaming Parameters Video Capture:
	Capabilities     : timeperframe
	Frames per second: 5.000 (5/1)
	Read buffers     : 1

User Controls

                     brightness 0x00980900 (int)    : min=0 max=255 step=1 default=128 value=128 flags=slider
                 gain_automatic 0x00980912 (bool)   : default=1 value=1 flags=update
                           gain 0x00980913 (int)    : min=0 max=255 step=1 default=100 value=14 flags=inactive, volatile
                         button 0x0098f900 (button) : value=0 flags=write-only, execute-on-write
                integer_64_bits 0x0098f903 (int64)  : min=-9223372036854775808 max=9223372036854775807 step=1 default=0 value=0
                           menu 0x0098f904 (menu)   : min=1 max=4 default=3 value=3 (Menu Item 3)
				1: Menu Item 1
				3: Menu Item 3
				4: Menu Item 4
                         string 0x0098f905 (str)    : min=2 max=4 step=1 value='  ' flags=has-payload
                        bitmask 0x0098f906 (bitmask): max=0x80402010 default=0x80002000 value=-2147475456
                   integer_menu 0x0098f907 (intmenu): min=1 max=8 default=4 value=4 (5 0x5)
				4: 5 (0x5)
				8: 42 (0x2a)
                u16_8x16_matrix 0x0098f909 (u16)    : min=16 max=8192 step=1 default=24 dims=[8][16] flags=has-payload
                           area 0x0098f90b (area)   : value=1000x2000 flags=has-payload
      read_only_integer_32_bits 0x0098f90c (int)    : min=0 max=255 step=1 default=0 value=0 flags=read-only

Vivid Controls

                     dv_timings 0x00f0f03f (menu)   : min=0 max=110 default=0 value=0 (640x480p59) flags=inactive
				0: 640x480p59
				1: 720x480i29
ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'YUYV' (YUYV 4:2:2, csc-colorspace, csc-ycbcr, csc-quantization, csc-xfer-func)
		Size: Discrete 320x180
			Interval: Discrete 1.000s (1.000 fps)
			Interval: Discrete 0.080s (12.500 fps)
			Interval: Discrete 0.017s (60.000 fps)
		Size: Discrete 1280x720
			Interval: Discrete 1.000s (1.000 fps)
			Interval: Discrete 0.080s (12.500 fps)
	[1]: 'Y16 -BE' (16-bit Greyscale BE)
		Size: Discrete 320x180
			Interval: Discrete 1.000s (1.000 fps)
`;

/** The node beside it that carries metadata: no formats of pictures. */
export const vividMetadata = `Driver Info:
	Driver name      : vivid
	Card type        : vivid
	Bus info         : platform:vivid-000
	Capabilities     : 0x9dbf0df7
		Video Capture
		Metadata Capture
	Device Caps      : 0x05a10000
		Metadata Capture
		Tuner
		Streaming
		Extended Pix Format
Priority: 2
ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

`;

/** A webcam on v4l2-ctl of 2016: names of controls without numbers, names of formats in lines of their own, every size twice. */
export const oldWebcam = `Driver Info (not using libv4l2):
	Driver name   : uvcvideo
	Card type     : UVC Camera (046d:0991)
	Bus info      : usb-0000:00:1d.7-4
	Driver version: 4.4.6
	Capabilities  : 0x84200001
		Video Capture
		Streaming
		Extended Pix Format
		Device Capabilities
	Device Caps   : 0x04200001
		Video Capture
		Streaming
		Extended Pix Format
Priority: 2
Video input : 0 (Camera 1: ok)
                     brightness (int)    : min=0 max=255 step=1 default=128 value=130
 white_balance_temperature_auto (bool)   : default=1 value=0
           power_line_frequency (menu)   : min=0 max=2 default=2 value=2
				0: Disabled
				1: 50 Hz
				2: 60 Hz
ioctl: VIDIOC_ENUM_FMT
	Index       : 0
	Type        : Video Capture
	Pixel Format: 'MJPG' (compressed)
	Name        : Motion-JPEG
		Size: Discrete 960x720
			Interval: Discrete 0.067s (15.000 fps)
			Interval: Discrete 0.133s (7.500 fps)
		Size: Discrete 960x720
			Interval: Discrete 0.067s (15.000 fps)

	Index       : 1
	Type        : Video Capture
	Pixel Format: 'YUYV'
	Name        : YUYV 4:2:2
		Size: Discrete 640x480
			Interval: Discrete 0.033s (30.000 fps)
`;

/** A sensor of a small board that scales freely, and a driver with a range of rates. */
export const stepwiseSensor = `Driver Info:
	Driver name      : bm2835 mmal
	Card type        : mmal service 16.1
	Bus info         : platform:bcm2835-v4l2-0
	Device Caps      : 0x05200005
		Video Capture
		Video Overlay
		Read/Write
		Streaming
		Extended Pix Format
ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'H264' (H.264, compressed)
		Size: Stepwise 32x32 - 2592x1944 with step 2/2
			Interval: Stepwise 0.011s - 1.000s with step 0.001s (1.000-90.000 fps)
	[1]: 'NV12' (Y/UV 4:2:0)
		Size: Continuous 64x64 - 700x500
`;

/** A frame grabber that names a format without sizes. */
export const grabberWithoutSizes = `Driver Info:
	Driver name      : grabber
	Card type        : HDMI In
	Bus info         : PCI:0000:03:00.0
	Device Caps      : 0x05200001
		Video Capture
		Streaming
Format Video Capture:
	Width/Height      : 1920/1080
	Pixel Format      : 'NV12' (Y/UV 4:2:0)
Streaming Parameters Video Capture:
	Capabilities     : timeperframe
	Frames per second: 59.940 (60000/1001)
ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'NV12' (Y/UV 4:2:0)
`;

/** Nonsense such as has been seen: rates without end, sizes of nothing, formats of output in between. */
export const brokenDriver = `Driver Info:
	Driver name      : odd
	Device Caps      : 0x05200001
		Video Capture
ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'MJPG' (Motion-JPEG, compressed)
		Size: Discrete 0x0
			Interval: Discrete 0.033s (30.000 fps)
		Size: Discrete 640x480
			Interval: Discrete 0.000s (inf fps)
			Interval: Discrete 0.000s (-nan fps)
			Interval: Discrete 0.033s (30.000 fps)
	[1]: '' (nothing)
ioctl: VIDIOC_ENUM_FMT
	Type: Video Output

	[0]: 'YUYV' (YUYV 4:2:2)
		Size: Discrete 800x600
`;
