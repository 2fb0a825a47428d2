// Nine pieces of one array side by side, of whole vectors, and sixteen of a length that is none: one kernel
// each, where more arrays than that are joined by a routine.
module {
  func.func @main(%x: tensor<2x7x6x16xf32>, %y: tensor<5x200xf32>) -> (tensor<2x5x4x144xf32>, tensor<5x112xf32>) {
    %a00 = stablehlo.slice %x [0:2, 0:5, 0:4, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a01 = stablehlo.slice %x [0:2, 0:5, 1:5, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a02 = stablehlo.slice %x [0:2, 0:5, 2:6, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a10 = stablehlo.slice %x [0:2, 1:6, 0:4, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a11 = stablehlo.slice %x [0:2, 1:6, 1:5, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a12 = stablehlo.slice %x [0:2, 1:6, 2:6, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a20 = stablehlo.slice %x [0:2, 2:7, 0:4, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a21 = stablehlo.slice %x [0:2, 2:7, 1:5, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a22 = stablehlo.slice %x [0:2, 2:7, 2:6, 0:16] : (tensor<2x7x6x16xf32>) -> tensor<2x5x4x16xf32>
    %a = stablehlo.concatenate %a00, %a01, %a02, %a10, %a11, %a12, %a20, %a21, %a22, dim = 3 : (tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>, tensor<2x5x4x16xf32>) -> tensor<2x5x4x144xf32>
    %b0 = stablehlo.slice %y [0:5, 0:7] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b1 = stablehlo.slice %y [0:5, 11:18] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b2 = stablehlo.slice %y [0:5, 22:29] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b3 = stablehlo.slice %y [0:5, 33:40] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b4 = stablehlo.slice %y [0:5, 44:51] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b5 = stablehlo.slice %y [0:5, 55:62] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b6 = stablehlo.slice %y [0:5, 66:73] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b7 = stablehlo.slice %y [0:5, 77:84] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b8 = stablehlo.slice %y [0:5, 88:95] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b9 = stablehlo.slice %y [0:5, 99:106] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b10 = stablehlo.slice %y [0:5, 110:117] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b11 = stablehlo.slice %y [0:5, 121:128] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b12 = stablehlo.slice %y [0:5, 132:139] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b13 = stablehlo.slice %y [0:5, 143:150] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b14 = stablehlo.slice %y [0:5, 154:161] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b15 = stablehlo.slice %y [0:5, 165:172] : (tensor<5x200xf32>) -> tensor<5x7xf32>
    %b = stablehlo.concatenate %b0, %b1, %b2, %b3, %b4, %b5, %b6, %b7, %b8, %b9, %b10, %b11, %b12, %b13, %b14, %b15, dim = 1 : (tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>) -> tensor<5x112xf32>
    return %a, %b : tensor<2x5x4x144xf32>, tensor<5x112xf32>
  }
}
