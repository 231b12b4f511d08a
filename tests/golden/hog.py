"""Golden values of the HOG test in src/features/image.rs: scikit-image's own `hog` on a computed tile.

    pip install scikit-image && python tests/golden/hog.py > tests/golden/hog.txt
"""
import numpy as np
from skimage.feature import hog

y, x = np.mgrid[0:64, 0:64]
disc = (x - 40) ** 2 + (y - 24) ** 2 < 300
rgb = np.stack([(3 * x + y * y // 7) % 256, np.where(disc, 230, 2 * y + x // 3), (x * y) // 16 % 256], axis=-1)
grey = rgb @ np.array([0.2125, 0.7154, 0.0721]) / 255
for value in hog(grey, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys"):
    print(f"{value:.7f}")
