# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest of one sector. It writes numbered records to its disks by int 13h, as
# writer.c does (see record.py), and says on the serial port what became of each:
# "ACK disk sequence" or "ERR disk sequence". After a reset it goes on with the
# number after the newest on its first disk.
#
# Given by the assembler's command line: DISKS, FIRST_DRIVE (the BIOS's number of the
# first disk), TICKS (timer ticks, of 55 ms, from one round over all disks to the next).

        .code16
        .set    COM1, 0x3f8
        .set    TIMER, 0x46c            # the BIOS counts ticks there
        .set    SECTORS, 8              # of a record
        .set    BYTES, SECTORS * 512
        .set    SLOTS, 256
        .set    BUFFER, 0x1000          # segment of the record, which is always in %es

        .globl  _start
_start: xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $_start, %sp
        movw    $BUFFER, %ax
        movw    %ax, %es
        cld
        sti

        # The newest record of the first disk
        movw    $SLOTS - 1, %bp
look:   movzwl  %bp, %eax
        movw    $0x4200, %bx            # extended read
        movb    $1, count
        call    transfer
        jc      2f
        cmpl    $0x564f5753, %es:0      # "SWOV"
        jne     2f
        movl    %es:16, %eax
        cmpl    sequence, %eax
        jbe     2f
        movl    %eax, sequence
2:      decw    %bp
        jns     look

        movw    $ready, %si
        call    puts

round:  incl    sequence
        movb    $0, disk

next:   xorw    %di, %di
        movb    sequence, %al
        movw    $BYTES, %cx
        rep stosb
        xorl    %eax, %eax
        movl    $0x564f5753, %es:0      # "SWOVER01"
        movl    $0x31305245, %es:4
        movb    disk, %al
        movl    %eax, %es:8
        movb    $0, %al
        movl    %eax, %es:12
        movl    %eax, %es:20
        movl    sequence, %eax
        movl    %eax, %es:16

        # CRC-32
        xorl    %eax, %eax
        decl    %eax
        xorw    %si, %si
byte:   xorb    %es:(%si), %al
        movw    $8, %cx
bit:    shrl    %eax
        jnc     2f
        xorl    $0xedb88320, %eax
2:      loop    bit
        incw    %si
        cmpw    $BYTES, %si
        jne     byte
        notl    %eax
        movl    %eax, %es:12

        movzbl  sequence, %eax          # its slot, for there are 256
        movw    $0x4300, %bx            # extended write
        movb    $SECTORS, count         # a BIOS sets it to what was done
        call    transfer
        movw    $good, %si
        jnc     2f
        movw    $bad, %si
2:      call    puts
        movb    disk, %al
        addb    $'0', %al
        call    putc
        movb    $' ', %al
        call    putc
        movl    sequence, %eax
        call    number
        movb    $'\n', %al
        call    putc

        incb    disk
        cmpb    $DISKS, disk
        jne     next

        .if     TICKS
        movw    TIMER, %dx
        addw    $TICKS, %dx
2:      hlt
        cmpw    %dx, TIMER
        js      2b
        .endif
        jmp     round

# Read or write `count` sectors of slot %eax, function %bx; carry if it failed.
transfer:
        shll    $3, %eax
        movl    %eax, lba
        movw    %bx, %ax
        movb    disk, %dl
        addb    $FIRST_DRIVE, %dl
        movw    $packet, %si
        int     $0x13
        ret

# Print %eax.
number: xorl    %edx, %edx
        movl    $10, %ecx
        divl    %ecx
        pushw   %dx
        testl   %eax, %eax
        jz      2f
        call    number
2:      popw    %ax
        addb    $'0', %al
putc:   pushw   %ax
        movw    $COM1 + 5, %dx
2:      inb     %dx, %al
        testb   $0x20, %al
        jz      2b
        popw    %ax
        movw    $COM1, %dx
        outb    %al, %dx
        ret

puts:   lodsb
        testb   %al, %al
        jz      2f
        call    putc
        jmp     puts
2:      ret

ready:  .asciz  "READY\n"
good:   .asciz  "ACK "
bad:    .asciz  "ERR "
disk:   .byte   0
sequence:
        .long   0
packet: .byte   16, 0
count:  .word   1
        .word   0, BUFFER
lba:    .quad   0

        .org    510
        .word   0xaa55
